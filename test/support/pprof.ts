/** Reads our pprof with pprof-format, an implementation that is not ours. */

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { Profile } from 'pprof-format';

export interface PprofSample {
  /** Function names, outermost first; '' for a location without a name. */
  readonly frames: readonly string[];
  readonly values: readonly number[];
  readonly labels: Readonly<Record<string, string | number>>;
}

export interface Pprof {
  readonly raw: Profile;
  readonly samples: readonly PprofSample[];
  readonly comments: readonly string[];
}

export function decodePprof(bytes: Uint8Array): Pprof {
  const raw = Profile.decode(bytes);
  const text = (index: number | bigint) => raw.stringTable.strings[Number(index)] ?? '';
  const functions = new Map(raw.function.map(f => [Number(f.id), text(f.name)]));
  const frames = new Map(
    raw.location.map(l => [
      Number(l.id),
      l.line.length > 0 ? l.line.map(x => functions.get(Number(x.functionId)) ?? '').reverse() : [''],
    ]),
  );
  return {
    raw,
    comments: raw.comment.map(text),
    samples: raw.sample.map(sample => ({
      frames: sample.locationId.toReversed().flatMap(id => frames.get(Number(id)) ?? ['']),
      values: sample.value.map(Number),
      labels: Object.fromEntries(sample.label.map(l => [text(l.key), Number(l.str) > 0 ? text(l.str) : Number(l.num)])),
    })),
  };
}

export function readPprof(path: string): Pprof {
  return decodePprof(gunzipSync(readFileSync(path)));
}
