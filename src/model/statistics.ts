/** Figures about a profile for its reader. */
import { MISSES, Miss, type Profile } from './profile.ts';

/** The reasons of Miss in words. */
export const REASONS: Readonly<Record<number, string>> = {
  [Miss.unmapped]: 'not in any mapping',
  [Miss.unreadableFile]: 'file gone or replaced',
  [Miss.noSymbols]: 'no symbols in the file',
  [Miss.unknownAddress]: 'no symbol at the address',
  [Miss.jit]: 'generated code',
  [Miss.kernelHidden]: 'kernel symbols hidden',
  [Miss.processGone]: 'mappings not readable',
};

/** Samples that are missing altogether, of a profile's losses; the other losses are parts of samples. */
export function lostSamples(losses: Readonly<Record<string, number>>): number {
  const causes = Object.entries(losses).filter(([cause]) => cause.startsWith('samples lost'));
  return causes.reduce((sum, [, count]) => sum + count, 0);
}

/** `user stacks: 99.8 % complete, 0.2 % no table; 12.0 % of frames by frame pointers`, or '' when nothing is known. */
export function unwindingText(unwinding: Profile['unwinding']): string {
  const { 'user stacks': stacks = 0, 'user frames': frames = 0, ...counts } = unwinding;
  if (stacks === 0) return '';
  const ends = Object.entries(counts).flatMap(([name, count]) => {
    const [, end] = /^user stacks (.*)$/.exec(name) ?? [];
    return end !== undefined && (count > 0 || end === 'complete') ? [`${percent(count, stacks)} ${end}`] : [];
  });
  const guessed = counts['user frames by frame pointers'] ?? 0;
  const frameText = guessed > 0 ? `; ${percent(guessed, frames)} of frames by frame pointers` : '';
  return `user stacks: ${ends.join(', ')}${frameText}`;
}

function percent(count: number, of: number): string {
  return `${((100 * count) / of).toFixed(1)} %`;
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
  const reasons = unnamed.map(entry => `${percent(entry.frames, frames)} ${entry.reason}`);
  const total = unnamed.reduce((sum, entry) => sum + entry.frames, 0);
  return `${percent(total, frames)} (${reasons.join(', ')})`;
}

export function frameStatistics(profile: Profile): FrameStatistics {
  const { samples } = profile;
  const { prefix, location, length } = profile.stacks;
  const { miss } = profile.locations;
  const count = samples.values[0]!;
  const times = new Float64Array(length);
  for (let i = 0; i < samples.length; i++) {
    const stack = samples.stack[i]!;
    if (stack >= 0) times[stack]! += count[i]!;
  }
  // Callers precede callees: from the end on, every stack's samples are complete when it is reached.
  const byMiss = new Float64Array(MISSES);
  for (let stack = length - 1; stack >= 0; stack--) {
    const caller = prefix[stack]!;
    if (caller >= 0) times[caller]! += times[stack]!;
    byMiss[miss[location[stack]!]!]! += times[stack]!;
  }
  const unnamed = Array.from(byMiss, (frames, reason) => ({ reason: REASONS[reason] ?? 'unknown', frames }));
  return {
    frames: byMiss.reduce((sum, frames) => sum + frames, 0),
    unnamed: unnamed
      .slice(Miss.none + 1)
      .filter(({ frames }) => frames > 0)
      .sort((a, b) => b.frames - a.frames),
  };
}
