/** What is said at the end of a recording. */
import { RUNG_TEXT } from '../capture/ladder.ts';
import type { Rung } from '../capture/options.ts';
import type { Profile } from '../model/profile.ts';
import { frameStatistics, lostSamples, unnamedText, unwindingText } from '../model/statistics.ts';
import type { Output } from './outputs.ts';
import { bold, yellow } from './terminal.ts';

/** How to look at a file of this format. */
const VIEWERS: Readonly<Record<string, (path: string) => string>> = {
  svg: path => `open it in a browser: xdg-open ${path}`,
  pprof: path => `look at it with: go tool pprof -top ${path}`,
  collapsed: () => 'for flamegraph.pl, inferno or speedscope',
};

export function totalSamples(profile: Profile): number {
  return profile.samples.values[0]!.reduce((sum, count) => sum + count, 0);
}

export interface SummaryInput {
  readonly profile: Profile;
  readonly event: string;
  readonly hz: number;
  readonly rung: Rung;
  readonly written: readonly Output[];
  /** Debug files that could not be used. */
  readonly notes: readonly string[];
}

const MAX_NOTES = 5;

export function summary({ profile, event, hz, rung, written, notes }: SummaryInput): string[] {
  const samples = totalSamples(profile);
  const seconds = (profile.durationMs / 1000).toFixed(1);
  const losses = Object.entries(profile.losses).filter(([, count]) => count > 0);
  const lost = lostSamples(profile.losses);
  const how = rung === 'bpf' ? '' : `, captured by ${RUNG_TEXT[rung]}`;
  const lines = [`${bold(`${samples} samples`)} of ${event} at ${hz} Hz in ${seconds} s, ${lost} lost${how}`];
  if (samples === 0) {
    lines.push(yellow('Nothing was sampled: the targets used no CPU, or were filtered away.'));
  }
  for (const [cause, count] of losses) lines.push(yellow(`${cause}: ${count}`));
  const stacks = unwindingText(profile.unwinding);
  if (stacks !== '') lines.push(stacks);
  const unnamed = unnamedText(frameStatistics(profile));
  if (unnamed !== '') lines.push(`frames without a name: ${unnamed}`);
  for (const note of notes.slice(0, MAX_NOTES)) lines.push(yellow(`debug files: ${note}`));
  if (notes.length > MAX_NOTES) lines.push(yellow(`debug files: ${notes.length - MAX_NOTES} more were not used`));
  for (const { path, format } of written) {
    if (path !== '-') lines.push(`wrote ${bold(path)}: ${VIEWERS[format.name]?.(path) ?? format.description}`);
  }
  return lines;
}
