/** From the raw profile of a window to what is uploaded: named, apart by series, within the limits of the backends. */
import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { endTotals } from '../aggregate/stack-ends.ts';
import type { DebugFiles } from '../debug-files/debug-files.ts';
import { formatByName } from '../encode/index.ts';
import { encodePprof } from '../encode/pprof.ts';
import { nameUnknown } from '../model/name-unknown.ts';
import type { Profile } from '../model/profile.ts';
import { selectSamples } from '../model/select.ts';
import { type NamedCode, nameProfile, type Sampling } from '../naming.ts';
import type { Upload } from '../sinks/sink.ts';
import type { LineIndexes } from '../symbolize/lines/line-indexes.ts';
import type { RawProfile } from '../window.ts';

/** Of one profile: samples, and bytes before compression. */
export interface ProfileLimits {
  readonly samples: number;
  readonly bytes: number;
}

export interface ExportOptions {
  readonly sampling: Sampling;
  /** Name of the series: see Upload.name. */
  readonly name: string;
  readonly limits: ProfileLimits;
}

/** A window and where its names are. */
export interface NamedWindow {
  readonly raw: RawProfile;
  readonly mappings: readonly NamedCode[];
  readonly debugFiles?: DebugFiles;
  readonly lineIndexes?: LineIndexes;
}

/** Parts of one series and window differ in time by this, so that no backend takes one for the repetition of another. */
const PART_MS = 1;
const GZIP = { level: 1 };

/** The rows of each label set. */
function rowsByLabels({ samples, labelSets }: Profile): number[][] {
  const rows: number[][] = labelSets.map(() => []);
  for (let row = 0; row < samples.length; row++) rows[samples.labels[row]!]!.push(row);
  return rows;
}

/** Encodes the rows of one series: in halves as long as they are too many. A single row goes whatever its size. */
function encodeSeries(
  series: Profile,
  all: number[],
  identity: Pick<Upload, 'name' | 'labels'>,
  limits: ProfileLimits,
): Upload[] {
  const { sampleTypes, periodType, period, durationMs } = series;
  const uploads: Upload[] = [];
  const encode = (rows: number[]) => {
    const startMs = series.startTimeMs + uploads.length * PART_MS;
    const fits = rows.length <= limits.samples;
    const bytes = fits ? encodePprof(selectSamples({ ...series, startTimeMs: startMs }, rows)) : undefined;
    if (rows.length > 1 && (!bytes || bytes.length > limits.bytes)) {
      encode(rows.slice(0, rows.length >> 1));
      encode(rows.slice(rows.length >> 1));
    } else if (bytes) {
      const sizes = { samples: rows.length, rawBytes: bytes.length };
      const times = { startMs, durationMs, sampleTypes, periodType, period };
      uploads.push({ id: randomUUID(), ...identity, ...times, ...sizes, pprof: gzipSync(bytes, GZIP) });
    }
  };
  // Equal stacks next to each other, so that halves have little in common.
  if (all.length > limits.samples) all.sort((a, b) => series.samples.stack[a]! - series.samples.stack[b]!);
  encode(all);
  return uploads;
}

/** Everything of a window: a profile for each series that has samples, or several. */
export function exportWindow(
  { raw, mappings, debugFiles, lineIndexes }: NamedWindow,
  options: ExportOptions,
): Upload[] {
  const { sampling, name, limits } = options;
  const profile = nameUnknown(nameProfile(raw, mappings, sampling, debugFiles, lineIndexes));
  return rowsByLabels(profile).flatMap((rows, set) => {
    if (rows.length === 0) return [];
    const labels = Object.fromEntries(profile.labelSets[set]!.map(({ key, value }) => [key, String(value)]));
    const unwinding = endTotals(raw.ends, raw.samples.count, rows);
    return encodeSeries({ ...profile, unwinding }, rows, { name, labels }, limits);
  });
}

/** Everything of a window as one file of a format, in pprof with the labels of each series at its samples. */
export function exportAs(
  { raw, mappings, debugFiles, lineIndexes }: NamedWindow,
  { sampling, format, title }: { readonly sampling: Sampling; readonly format: string; readonly title: string },
): Uint8Array {
  const profile = nameUnknown(nameProfile(raw, mappings, sampling, debugFiles, lineIndexes));
  const labels = [...new Set(profile.labelSets.flatMap(set => set.map(({ key }) => key)))];
  const pieces = formatByName(format).encode(profile, { annotate: true, labels, title });
  return Buffer.concat(Array.from(pieces, piece => Buffer.from(piece)));
}
