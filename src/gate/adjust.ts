/** What many tests at once make of their p values. */

/**
 * The q values of Benjamini and Hochberg (1995), weighted as Genovese, Roeder and Wasserman (2006): rejecting those below
 * α makes a false discovery of at most the part α. Weights say where a change is worth finding, not knowing the p values.
 * @param weights ≥ 0, of any scale
 */
export function falseDiscovery(p: readonly number[], weights: readonly number[]): Float64Array {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const weighted = p.map((value, i) => (weights[i]! > 0 ? (value * sum) / (weights[i]! * p.length) : Infinity));
  const order = Uint32Array.from(p.keys()).sort((a, b) => weighted[a]! - weighted[b]!);
  const q = new Float64Array(p.length);
  let least = 1;
  for (let rank = order.length; rank > 0; rank--) {
    least = Math.min(least, (weighted[order[rank - 1]!]! * p.length) / rank);
    q[order[rank - 1]!] = least;
  }
  return q;
}
