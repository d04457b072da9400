/** Figures about a profile for its reader. */
import { Miss, type Profile } from './profile.ts';

/** The reasons of Miss in words, for the summary. */
const REASONS: Readonly<Record<number, string>> = {
  [Miss.unmapped]: 'not in any mapping',
  [Miss.unreadableFile]: 'file gone or replaced',
  [Miss.noSymbols]: 'no symbols in the file',
  [Miss.unknownAddress]: 'no symbol at the address',
  [Miss.jit]: 'generated code',
  [Miss.kernelHidden]: 'kernel symbols hidden',
  [Miss.processGone]: 'process gone',
};

/** Samples that are missing altogether, of a profile's losses; the other losses are parts of samples. */
export function lostSamples(losses: Readonly<Record<string, number>>): number {
  const causes = Object.entries(losses).filter(([cause]) => cause.startsWith('samples lost'));
  return causes.reduce((sum, [, count]) => sum + count, 0);
}

export interface FrameStatistics {
  /** Frames of all samples, each as often as it was sampled. */
  readonly frames: number;
  /** Of these, the ones without a name, by reason in words; most frequent first. */
  readonly unnamed: readonly { readonly reason: string; readonly frames: number }[];
}

/** `12.6 % (10.1 % no symbol at the address, 2.5 % generated code)`, or '' when every frame has a name. */
export function unnamedText({ frames, unnamed }: FrameStatistics): string {
  if (unnamed.length === 0) return '';
  const percent = (count: number) => `${((100 * count) / frames).toFixed(1)} %`;
  const reasons = unnamed.map(entry => `${percent(entry.frames)} ${entry.reason}`);
  return `${percent(unnamed.reduce((sum, entry) => sum + entry.frames, 0))} (${reasons.join(', ')})`;
}

export function frameStatistics(profile: Profile): FrameStatistics {
  const { stacks, samples, locations } = profile;
  const times = new Float64Array(stacks.length);
  for (let i = 0; i < samples.length; i++) {
    if (samples.stack[i]! >= 0) times[samples.stack[i]!]! += samples.values[0]![i]!;
  }
  const byMiss = new Map<number, number>();
  let frames = 0;
  for (let stack = stacks.length - 1; stack >= 0; stack--) {
    const count = times[stack]!;
    if (stacks.prefix[stack]! >= 0) times[stacks.prefix[stack]!]! += count;
    frames += count;
    const miss = locations.miss[stacks.location[stack]!]!;
    if (miss !== Miss.none) byMiss.set(miss, (byMiss.get(miss) ?? 0) + count);
  }
  const unnamed = [...byMiss].map(([miss, count]) => ({ reason: REASONS[miss] ?? 'unknown', frames: count }));
  return { frames, unnamed: unnamed.sort((a, b) => b.frames - a.frames) };
}
