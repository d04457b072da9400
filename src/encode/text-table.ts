/** What the tables for people have in common. */
import { formatValue } from '../../flamegraph/index.ts';
import { bounded } from '../../flamegraph/text.ts';
import { baseName, type Profile } from '../model/profile.ts';
import { type Frames, frameFile, frameModule, frameName } from '../transform/frames.ts';

/** Names are chosen by whoever was profiled: so many code units of one. */
const MAX_NAME = 300;
const MAX_LINE = 1000;

/** `27.8%`, as wide as every other. */
export function percent(part: number, whole: number): string {
  return `${(whole === 0 ? 0 : (100 * part) / whole).toFixed(1)}%`.padStart(7);
}

export function value(amount: number, unit: string): string {
  return amount < 0 ? `-${formatValue(-amount, unit)}` : formatValue(amount, unit);
}

/** `parse (app parser.c)`: name, module and source file of a frame. */
export function place(profile: Profile, frames: Frames, frame: number): string {
  const files = [frameModule(profile, frames, frame), frameFile(profile, frames, frame)];
  const known = files.filter(file => file !== '').map(file => bounded(baseName(file), MAX_NAME));
  const name = bounded(frameName(profile, frames, frame), MAX_NAME) || '[unnamed]';
  return known.length === 0 ? name : `${name} (${known.join(' ')})`;
}

/** What was recorded, and what of it was lost. */
export function* heading(profile: Profile, title: string, total: number): Iterable<string> {
  const { type, unit } = profile.sampleTypes.at(-1)!;
  const seconds = profile.durationMs > 0 ? ` in ${(profile.durationMs / 1000).toFixed(1)} s` : '';
  if (title !== '') yield `${bounded(title, MAX_LINE)}\n`;
  yield `${bounded(type, MAX_NAME)}: ${value(total, bounded(unit, MAX_NAME))}${seconds}\n`;
  for (const [cause, count] of Object.entries(profile.losses)) {
    if (count > 0) yield `${bounded(cause, MAX_LINE)}: ${count}\n`;
  }
}
