/** Differences of profiles in lines of text, and what is in them as lines of text. */
import type { Difference } from '../../src/diff/difference.ts';
import type { Profile } from '../../src/model/profile.ts';
import { type ProfileOptions, profile } from '../support/profile.ts';

/** A profile of `SAMPLES` without nanoseconds; `files`: source file of functions by name. */
export function counted(
  text: string,
  files: Readonly<Record<string, string>> = {},
  more: ProfileOptions = {},
): Profile {
  const made = profile(text, { sampleTypes: [{ type: 'samples', unit: 'count' }], ...more });
  const strings = [...made.strings, ...Object.values(files)];
  const { functions } = made;
  const filename = functions.name.map(name => {
    const index = Object.keys(files).indexOf(made.strings[name]!);
    return index < 0 ? 0 : made.strings.length + index;
  });
  const samples = { ...made.samples, values: made.samples.values.slice(0, 1) };
  return { ...made, strings, samples, functions: { ...functions, filename } };
}

/** `name (file): self BASE→HEAD, total BASE→HEAD`, by name. */
export function functionTexts({ functions, base, head }: Difference): string[] {
  return Array.from({ length: functions.length }, (_, i) => {
    const change = (measure: 'self' | 'total') => `${measure} ${base[measure][i]}→${head[measure][i]}`;
    return `${functions.name[i]} (${functions.file[i]}): ${change('self')}, ${change('total')}`;
  }).sort();
}

/** `outermost;…;innermost BASE→HEAD`, equal ones added up, in order of their text. */
export function stackTexts({ stacks: { names, frames, stacks, samples } }: Difference): string[] {
  const sums = new Map<string, [base: number, head: number]>();
  for (let i = 0; i < samples.length; i++) {
    const path: string[] = [];
    for (let s = samples.stack[i]!; s >= 0; s = stacks.prefix[s]!) path.push(names[frames.name[stacks.frame[s]!]!]!);
    const text = path.reverse().join(';');
    const [base, head] = sums.get(text) ?? [0, 0];
    sums.set(text, [base + samples.base![i]!, head + samples.value[i]!]);
  }
  return [...sums].map(([text, [base, head]]) => `${text} ${base}→${head}`).sort();
}
