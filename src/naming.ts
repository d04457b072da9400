/** From addresses to a Profile with names. */
import { endTotals } from './aggregate/stack-ends.ts';
import type { SelectedEvent } from './capture/events/index.ts';
import type { DebugFiles } from './debug-files/debug-files.ts';
import type { Profile } from './model/profile.ts';
import type { CodeMapping } from './symbolize/index.ts';
import type { LineIndexes } from './symbolize/lines/line-indexes.ts';
import { symbolize } from './symbolize/symbolizer.ts';
import type { RawProfile } from './window.ts';

/** Code that addresses lie in, with what a profile says of it. */
export interface NamedCode extends CodeMapping {
  readonly buildId: string;
  /** See MappedCode. */
  readonly start: number;
  readonly limit: number;
  readonly fileOffset: number;
}

/** What a profile says of how it was sampled. */
export interface Sampling {
  readonly event: Pick<SelectedEvent, 'value' | 'counts'>;
  readonly hz: number;
  readonly shortNames: boolean;
  /** Inlined calls, and source files with lines. */
  readonly inlines: boolean;
  readonly lines: boolean;
  readonly losses: Readonly<Record<string, number>>;
  /** Goes into the profile: tool and version, command. */
  readonly comments: readonly string[];
}

/**
 * Names every address. `mappings` are those that the addresses' numbers stand for; `debugFiles` has been prepared for
 * them; `lineIndexes` is what earlier runs have found in these.
 */
export function nameProfile(
  raw: RawProfile,
  mappings: readonly NamedCode[],
  sampling: Sampling,
  debugFiles?: DebugFiles,
  lineIndexes?: LineIndexes,
): Profile {
  const { event, hz, shortNames, inlines, lines, losses, comments } = sampling;
  const { addresses, stacks, samples, timeline, labelSets, ends, startTimeMs, durationMs } = raw;
  const named = symbolize(addresses, mappings, { shortNames, inlines, lines, debugFiles, lineIndexes });
  const period = event.value === 'time' ? 1e9 / hz : 1;
  const scaled = event.value === 'time' ? samples.count.map(count => count * period) : samples.weight;
  return {
    strings: named.strings,
    mappings: mappings.map(({ start, limit, fileOffset, filename, buildId }, i) => ({
      start,
      limit,
      fileOffset,
      filename,
      buildId,
      hasFunctions: named.found[i]!.hasFunctions,
      hasFilenames: named.found[i]!.hasFilenames,
      hasLineNumbers: named.found[i]!.hasLineNumbers,
      hasInlineFrames: named.found[i]!.hasInlineFrames,
    })),
    functions: named.functions,
    locations: {
      length: addresses.length,
      mapping: addresses.mapping,
      address: addresses.address,
      kind: named.kind,
      miss: named.miss,
      firstLine: named.firstLine,
    },
    lines: named.lines,
    stacks,
    samples: {
      length: samples.length,
      stack: samples.stack,
      labels: samples.labels,
      values: [samples.count, scaled],
    },
    timeline,
    labelSets,
    sampleTypes: [{ type: 'samples', unit: 'count' }, event.counts],
    periodType: event.counts,
    period: event.counts.unit === 'nanoseconds' ? Math.round(1e9 / hz) : 1,
    startTimeMs,
    durationMs,
    losses,
    unwinding: endTotals(ends, samples.count, samples.count.keys()),
    comments,
  };
}
