/** Uploads for stores. */
import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { encodePprof } from '../../src/encode/pprof.ts';
import type { Profile } from '../../src/model/profile.ts';
import { type DirectoryOptions, directory } from '../../src/sinks/directory.ts';
import type { Sink, Upload } from '../../src/sinks/sink.ts';

export interface UploadOptions {
  readonly profile: Profile;
  readonly service: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly name?: string;
  readonly startMs: number;
  readonly durationMs?: number;
  readonly id?: string;
}

export function uploadOf({ profile, service, labels = {}, ...more }: UploadOptions): Upload {
  const { startMs, durationMs = 15_000 } = more;
  const raw = encodePprof({ ...profile, startTimeMs: startMs, durationMs }, ['comm']);
  return {
    id: more.id ?? randomUUID(),
    name: more.name ?? 'process_cpu',
    labels: { service_name: service, ...labels },
    startMs,
    durationMs,
    sampleTypes: profile.sampleTypes,
    periodType: profile.periodType,
    period: profile.period,
    samples: profile.samples.length,
    rawBytes: raw.length,
    pprof: gzipSync(raw, { level: 1 }),
  };
}

/** The sink as a configuration of these texts makes it. */
export function openStore(options: Record<string, string>): Promise<Sink> {
  const parsed: DirectoryOptions = directory.options.parse({ type: 'directory', ...options });
  return Promise.resolve(directory.open(parsed));
}

export const never: AbortSignal = new AbortController().signal;
