/** From addresses to a Profile with names. */
import { endTotals } from './aggregate/stack-ends.ts';
import type { SelectedEvent } from './capture/events/index.ts';
import type { DebugFiles } from './debug-files/debug-files.ts';
import type { Profile } from './model/profile.ts';
import { moduleBuildId } from './process/kernel.ts';
import type { CodeMapping } from './symbolize/index.ts';
import type { LineIndexes } from './symbolize/lines/line-indexes.ts';
import { type Symbolized, symbolize } from './symbolize/symbolizer.ts';
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
  const kernel = splitKernel(mappings, addresses, named);
  return {
    strings: named.strings,
    mappings: kernel.mappings.map(({ start, limit, fileOffset, filename, buildId }, i) => ({
      start,
      limit,
      fileOffset,
      filename,
      buildId,
      ...(named.found[i] ?? named.found[kernel.index]!),
    })),
    functions: named.functions,
    locations: {
      length: addresses.length,
      mapping: kernel.mapping,
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

/** Kernel addresses that lie in a module, a BPF program or a trampoline have a mapping of their own, as with perf. */
function splitKernel(
  mappings: readonly NamedCode[],
  addresses: RawProfile['addresses'],
  { module, modules }: Symbolized,
): { readonly mappings: readonly NamedCode[]; readonly mapping: Int32Array; readonly index: number } {
  const index = mappings.findIndex(({ kind }) => kind === 'kernel');
  const kernel = mappings[index];
  if (kernel === undefined || modules.length === 1) return { mappings, mapping: addresses.mapping, index };
  const parts = modules.slice(1).map(name => {
    // What is no module of its own is called __builtin__ftrace, __builtin__kprobes (kernel/kallsyms.c).
    return { ...kernel, filename: `[${name.replace(/^__builtin__/, '')}]`, buildId: moduleBuildId(name) };
  });
  const mapping = addresses.mapping.map((own, i) => (module[i] === 0 ? own : mappings.length + module[i]! - 1));
  return { mappings: [...mappings, ...parts], mapping, index };
}
