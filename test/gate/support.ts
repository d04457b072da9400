/** Runs of both sides in rows of numbers, for the tests of the gate. */
import { type Difference, diffProfiles } from '../../src/diff/difference.ts';
import { type GateOptions, judge } from '../../src/gate/judge.ts';
import { parseRule } from '../../src/gate/rules.ts';
import type { Verdict } from '../../src/gate/verdict.ts';
import type { Profile } from '../../src/model/profile.ts';
import { counted } from '../diff/support.ts';
import type { ProfileOptions } from '../support/profile.ts';

/** Samples of each run by stack: `{ 'app;main;parse': [80, 81, 79] }` is three runs. */
export type Counts = Readonly<Record<string, readonly number[]>>;

export function runs(
  counts: Counts,
  files: Readonly<Record<string, string>> = {},
  more: ProfileOptions = {},
): Profile[] {
  const [first = []] = Object.values(counts);
  return first.map((_, run) => {
    const lines = Object.entries(counts).flatMap(([stack, values]) =>
      values[run]! > 0 ? [`${stack} ${values[run]}`] : [],
    );
    return counted(lines.join('\n'), files, more);
  });
}

export function difference(base: Counts, head: Counts, files: Readonly<Record<string, string>> = {}): Difference {
  return diffProfiles(runs(base, files), runs(head, files));
}

export function verdictOf(found: Difference, rules: readonly string[], more: Partial<GateOptions> = {}): Verdict {
  return judge(found, { rules: rules.map(parseRule), floor: 0.005, ...more });
}

/** `outcome function measure` of each finding. */
export function findings({ rules }: Verdict): string[] {
  return rules.flatMap(({ findings }) => {
    return findings.map(({ outcome, test }) => `${outcome} ${test.name}${'measure' in test ? ` ${test.measure}` : ''}`);
  });
}
