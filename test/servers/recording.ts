/** A real recording as uploads for the sinks. */

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { Profile } from 'pprof-format';
import type { Upload } from '../../src/sinks/sink.ts';
import { decodePprof, type Pprof } from '../support/pprof.ts';

/** Sums by stack, outermost function first. */
export type Stacks = Readonly<Record<string, number>>;

export function stacksOf({ samples }: Pick<Pprof, 'samples'>, value: number): Stacks {
  const sums: Record<string, number> = {};
  for (const { frames, values } of samples) {
    const stack = frames.join(';');
    sums[stack] = (sums[stack] ?? 0) + values[value]!;
  }
  return sums;
}

export function total(stacks: Stacks): number {
  return Object.values(stacks).reduce((a, b) => a + b, 0);
}

export interface Recording extends Pprof {
  readonly startMs: number;
  readonly durationMs: number;
  /** The recording for a service, or what `change` leaves of it, followed by `padding` bytes that mean nothing. */
  upload(service: string, change?: (pprof: Profile) => void, padding?: number): Upload;
}

/** A string of the string table that nothing refers to: string_table = 6. */
function unusedString(length: number): Uint8Array {
  const tag = [0x32];
  let rest = length;
  for (; rest > 127; rest >>>= 7) tag.push((rest & 127) | 128);
  return Buffer.concat([Uint8Array.from([...tag, rest]), Buffer.alloc(length, 'x')]);
}

export function shift(ms: number): (pprof: Profile) => void {
  return pprof => {
    pprof.timeNanos = BigInt(pprof.timeNanos) + BigInt(ms) * 1_000_000n;
  };
}

/** @param path a gzipped pprof with the sample types samples/count and cpu/nanoseconds */
export function readRecording(path: string): Recording {
  const bytes = gunzipSync(readFileSync(path));
  const pprof = decodePprof(bytes);
  const { period, timeNanos, durationNanos } = pprof.raw;
  const time = (nanos: number | bigint) => Number(nanos) / 1e6;
  return {
    ...pprof,
    startMs: time(timeNanos),
    durationMs: time(durationNanos),
    upload(service, change = () => {}, padding = 0) {
      const changed = Profile.decode(bytes);
      change(changed);
      const raw = Buffer.concat([changed.encode(), padding > 0 ? unusedString(padding) : Buffer.of()]);
      return {
        id: randomUUID(),
        name: 'process_cpu',
        labels: { service_name: service, zone: `zone of ${service}` },
        startMs: time(changed.timeNanos),
        durationMs: time(changed.durationNanos),
        sampleTypes: [
          { type: 'samples', unit: 'count' },
          { type: 'cpu', unit: 'nanoseconds' },
        ],
        periodType: { type: 'cpu', unit: 'nanoseconds' },
        period: Number(period),
        samples: changed.sample.length,
        rawBytes: raw.length,
        pprof: gzipSync(raw),
      };
    },
  };
}
