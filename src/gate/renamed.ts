/** Functions that are gone and new ones that take their place: the same under another name. */
import { isPlaceholder } from '../diff/canonical.ts';
import { MEASURES } from '../diff/changes.ts';
import type { DiffFunctions } from '../diff/difference.ts';
import { ALPHA } from './estimate.ts';
import type { Pair, ShareComparison, SideRuns } from './shares.ts';

/** Of those that are gone, and of the new ones: each is compared with each. */
const MAX_ROWS = 200;
/** Shares that differ by more than this part do not match, however few samples there are. */
const MAX_RELATIVE = 0.25;

interface Candidate {
  readonly row: number;
  readonly share: number;
}

/** Rows that only one side has, largest first. */
function onlyOn(side: SideRuns, other: SideRuns, { name }: DiffFunctions, least: number): Candidate[] {
  const found: Candidate[] = [];
  for (let row = 0; row < name.length; row++) {
    if (other.runs.some(run => run.total[row]! > 0) || isPlaceholder(name[row]!)) continue;
    const share = side.share(row, 'total');
    if (share >= least) found.push({ row, share });
  }
  return found.sort((a, b) => b.share - a.share).slice(0, MAX_ROWS);
}

function isAlike(comparison: ShareComparison, pair: Pair): boolean {
  return MEASURES.every(measure => {
    const { relative, base, head, p } = comparison.compare(pair, measure);
    return (base === 0 && head === 0) || (Math.abs(relative) <= MAX_RELATIVE && p >= ALPHA);
  });
}

/** The pairs of which neither part has another partner. */
function alone(pairs: readonly Pair[]): Pair[] {
  return pairs.filter(({ base, head }) => {
    return (
      pairs.every(other => other.base !== base || other.head === head) &&
      pairs.every(other => other.head !== head || other.base === base)
    );
  });
}

/**
 * A function was renamed when it is gone and a new one has its shares, self and inclusive; one in the same file goes
 * before those elsewhere, and where several would do none is taken.
 * @param least share of those that are worth it
 */
export function findRenamed(
  comparison: ShareComparison,
  functions: DiffFunctions,
  base: SideRuns,
  head: SideRuns,
  least: number,
): Pair[] {
  const [gone, added] = [onlyOn(base, head, functions, least), onlyOn(head, base, functions, least)];
  const pairs = gone.flatMap(from => {
    return added.map(to => ({ base: from.row, head: to.row })).filter(pair => isAlike(comparison, pair));
  });
  const sameFile = alone(pairs.filter(pair => functions.file[pair.base] === functions.file[pair.head]));
  const taken = new Set(sameFile.flatMap(pair => [pair.base, pair.head]));
  const others = pairs.filter(pair => !taken.has(pair.base) && !taken.has(pair.head));
  return [...sameFile, ...alone(others)];
}
