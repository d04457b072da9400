/** Losses and the figures of unwinding, which our pprof carries as its last comments (see encode/pprof.ts). */
import type { Profile } from '../model/profile.ts';

const LAST = /^frames without a name: /;
const COUNT = /^(.+): (\d{1,15})$/s;
const UNWINDING = /^user (?:stacks|frames)/;

/** Comments as others write them stay what they are. What follows from the frames is left out: it is told anew. */
export function splitComments(all: readonly string[]): Pick<Profile, 'comments' | 'losses' | 'unwinding'> {
  if (!LAST.test(all.at(-1) ?? '')) return { comments: all, losses: {}, unwinding: {} };
  let first = all.length - 1;
  while (first > 0 && COUNT.test(all[first - 1]!)) first--;
  const counts = all.slice(first, -1).map(line => {
    const [, name = '', count] = COUNT.exec(line)!;
    return [name, Number(count)] as const;
  });
  return {
    comments: all.slice(0, first),
    losses: Object.fromEntries(counts.filter(([name]) => !UNWINDING.test(name))),
    unwinding: Object.fromEntries(counts.filter(([name]) => UNWINDING.test(name))),
  };
}
