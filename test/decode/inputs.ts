/** Inputs of readers from text and files, and what came out of them, as text. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readProfile } from '../../src/decode/index.ts';
import { ProfilerError } from '../../src/errors.ts';
import { FrameKind, type Profile } from '../../src/model/profile.ts';
import { expectConsistent } from './support.ts';

export async function* chunks(bytes: Uint8Array, size = 2 ** 16): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export function fixture(name: string): Buffer {
  return readFileSync(join(import.meta.dirname, 'fixtures', name));
}

/** @param size of the chunks */
export async function read(input: string | Uint8Array, size?: number): Promise<Profile> {
  const profile = await readProfile(chunks(Buffer.from(input), size), 'IN');
  expectConsistent(profile);
  const { timeline, samples } = profile;
  if (timeline !== undefined) {
    const { sample, time, length } = timeline;
    if (sample.length !== length || time.length !== length) throw new Error('columns of different lengths');
    if (sample.some(row => row >= samples.length)) throw new Error('a time of no sample');
    if (time.some((t, i) => !(t >= (i > 0 ? time[i - 1]! : 0)))) throw new Error('times out of order');
  }
  return profile;
}

/** What the user is told. */
export async function refusal(input: string | Uint8Array): Promise<string> {
  try {
    await read(input);
  } catch (error) {
    if (error instanceof ProfilerError) return `${error.message} ${error.hint ?? ''}`;
    throw error;
  }
  return 'no error';
}

/** The name of each location's function. */
export function frameName({ locations, lines, functions, strings }: Profile, location: number): string {
  return strings[functions.name[lines.function[locations.firstLine[location]!]!]!]!;
}

/** Each distinct stack below the name of its thread, and the sum of its values; sorted. */
export function collapsedLines(profile: Profile, value = profile.samples.values.length - 1): string[] {
  const { samples, stacks, labelSets } = profile;
  const sums = new Map<string, number>();
  for (let i = 0; i < samples.length; i++) {
    const frames: (string | number)[] = [];
    for (let s = samples.stack[i]!; s >= 0; s = stacks.prefix[s]!) frames.push(frameName(profile, stacks.location[s]!));
    const comm = labelSets[samples.labels[i]!]!.find(({ key }) => key === 'comm');
    if (comm !== undefined) frames.push(comm.value);
    const text = frames.reverse().join(';');
    sums.set(text, (sums.get(text) ?? 0) + samples.values[value]![i]!);
  }
  return [...sums].map(([text, sum]) => `${text} ${sum}`).sort();
}

/** `name: kind, file:line, module` of every location; what is not known is left out. */
export function locationTexts(profile: Profile): string[] {
  const { locations, lines, functions, strings, mappings } = profile;
  const kinds = Object.keys(FrameKind);
  return Array.from({ length: locations.length }, (_, i) => {
    const line = locations.firstLine[i]!;
    const file = strings[functions.filename[lines.function[line]!]!];
    const source = file ? `${file}:${lines.line[line]}` : '';
    const module = mappings[locations.mapping[i]!]?.filename ?? '';
    const facts = [kinds[locations.kind[i]!], source, module].filter(Boolean);
    return `${frameName(profile, i)}: ${facts.join(', ')}`;
  });
}

/** Label sets as `key=value` texts. */
export function labelTexts({ labelSets }: Profile): string[] {
  return labelSets.map(set => set.map(({ key, value }) => `${key}=${value}`).join(' '));
}

/** Lines of text, without their indentation up to the bar that a template begins each line with. */
export function text(strings: TemplateStringsArray): string {
  return strings.raw[0]!.replace(/^\n/, '').replace(/^ *\|/gm, '').replace(/ +$/, '');
}
