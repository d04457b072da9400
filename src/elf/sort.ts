/** Sorting columns by address: a comparator on a hundred thousand symbols costs more than reading them. */

const digitBits = 11;
const digits = 1 << digitBits;
/** Below, moving items up one by one is cheaper than counting digits: the ranges of one function, by the thousand. */
const fewItems = 64;

/**
 * The order of the first `length` addresses, ascending, equal ones in their old order. A radix sort with the least
 * significant digit first. Only the distances from the lowest address are sorted, and only the digits in which they
 * differ: three passes for the text of one file.
 */
export function orderByAddress(addresses: Float64Array, length: number): Uint32Array {
  if (length < fewItems) return orderFew(addresses, length);
  let lowest = addresses[0]!;
  let highest = lowest;
  let isInOrder = true;
  let order = new Uint32Array(length);
  for (let i = 1; i < length; i++) {
    order[i] = i;
    if (addresses[i]! >= highest) highest = addresses[i]!;
    else isInOrder = false;
    if (addresses[i]! < lowest) lowest = addresses[i]!;
  }
  if (isInOrder) return order;
  let spare = new Uint32Array(length);
  const counts = new Uint32Array(digits);
  const words = new Uint32Array(length);
  for (let unit = 1; unit <= highest - lowest; unit *= 2 ** 32) {
    if (unit === 1) for (let i = 0; i < length; i++) words[i] = addresses[i]! - lowest;
    else for (let i = 0; i < length; i++) words[i] = Math.floor((addresses[i]! - lowest) / unit);
    for (let shift = 0; shift < 32; shift += digitBits) {
      if (!sortByDigit(words, shift, order, spare, counts)) continue;
      [order, spare] = [spare, order];
    }
  }
  return order;
}

function orderFew(addresses: Float64Array, length: number): Uint32Array {
  const order = new Uint32Array(length);
  for (let item = 0; item < length; item++) {
    const address = addresses[item]!;
    let at = item;
    for (; at > 0 && addresses[order[at - 1]!]! > address; at--) order[at] = order[at - 1]!;
    order[at] = item;
  }
  return order;
}

/** One stable pass from `order` to `into`; false, with nothing moved, when all words have the same digit. */
function sortByDigit(
  words: Uint32Array,
  shift: number,
  order: Uint32Array,
  into: Uint32Array,
  counts: Uint32Array,
): boolean {
  counts.fill(0);
  for (let i = 0; i < words.length; i++) counts[(words[i]! >>> shift) & (digits - 1)]!++;
  if (words.length === 0 || counts[(words[0]! >>> shift) & (digits - 1)] === words.length) return false;
  let sum = 0;
  for (let digit = 0; digit < digits; digit++) {
    const count = counts[digit]!;
    counts[digit] = sum;
    sum += count;
  }
  for (let i = 0; i < order.length; i++) {
    const item = order[i]!;
    into[counts[(words[item]! >>> shift) & (digits - 1)]!++] = item;
  }
  return true;
}
