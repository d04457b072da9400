/**
 * OTLP profiles over HTTP: `/v1development/profiles`, binary protobuf, gzipped
 * (https://opentelemetry.io/docs/specs/otlp/#otlphttp). The signal is still being developed: otlp-profile.ts says which
 * versions of it are understood.
 */

import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { z } from 'zod';
import { packageVersion } from '../package.ts';
import { type Backend, openBackend, type Refusal, type Verdict, verdictOf } from './delivery.ts';
import { below, networkOptions } from './options.ts';
import { encodeOtlp } from './otlp-profile.ts';
import { eachField, WIRE_BYTES, WIRE_VARINT } from './protobuf.ts';
import type { Answer } from './request.ts';
import { separately } from './separately.ts';
import { DeliveryError, type Sink, type SinkType, type Upload } from './sink.ts';

const compress = promisify(gzip);
const PROTOBUF = /^application\/(x-)?protobuf\b/;
const decompress = promisify(gunzip);
/** Collectors take 20 MiB, uncompressed; what is encoded here is about as long as the pprof for each sample type. */
const LIMITS = { samples: 16_000, bytes: 2_000_000, batch: 64, batchBytes: 1_000_000 };

async function encodeUpload({ id, labels, pprof, rawBytes }: Upload): Promise<Uint8Array> {
  const { service_name: service = '', ...others } = labels;
  const scope = { name: 'ebpf-profiler', version: packageVersion() };
  const resource = { attributes: { 'service.name': service, ...others }, scope };
  try {
    const raw = await decompress(pprof, { maxOutputLength: Math.max(rawBytes, 1) });
    return await compress(encodeOtlp(raw, Buffer.from(id.replaceAll('-', ''), 'hex'), resource));
  } catch (cause) {
    // It comes from a disk and may be damaged.
    throw new DeliveryError('rejected', `a profile is no pprof: ${(cause as Error).message}.`, { cause });
  }
}

/**
 * ExportProfilesServiceResponse{partial_success = 1}; ExportProfilesPartialSuccess{rejected_profiles = 1,
 * error_message = 2}.
 * @throws Error when it is malformed
 */
function readPartialSuccess(body: Buffer): { rejected: number; message: string } {
  const result = { rejected: 0, message: '' };
  eachField(body, (field, reader, wireType) => {
    if (field !== 1 || wireType !== WIRE_BYTES) return;
    eachField(reader.bytes(), (inner, partial, innerType) => {
      if (inner === 1 && innerType === WIRE_VARINT) result.rejected = Number(partial.int64());
      else if (inner === 2 && innerType === WIRE_BYTES) result.message = partial.string();
    });
  });
  return result;
}

/** What is accepted in part may not be sent again. An answer that is not protobuf says nothing of the kind. */
function judge(answer: Answer): Verdict | Refusal {
  const verdict = verdictOf(answer);
  if (verdict !== 'accepted' || !PROTOBUF.test(answer.headers['content-type'] ?? '')) return verdict;
  try {
    const { rejected, message } = readPartialSuccess(answer.body);
    return rejected === 0 ? verdict : { verdict: 'rejected', said: `rejected ${rejected} profiles: ${message}` };
  } catch {
    return { verdict: 'retry', said: 'which is malformed' };
  }
}

const options = networkOptions('otlp', {});
type Options = z.output<typeof options>;

function openSink(backend: Backend, url: URL): Sink {
  const headers = { 'Content-Type': 'application/x-protobuf', 'Content-Encoding': 'gzip' };
  const deliver = async (upload: Upload, signal: AbortSignal): Promise<void> => {
    const request = { method: 'POST', url, headers, body: await encodeUpload(upload) } as const;
    await backend.deliver(request, signal, judge);
  };
  return {
    limits: LIMITS,
    send: separately(deliver),
    close: () => backend.close(),
  };
}

export const otlp = {
  type: 'otlp',
  options,
  open: async (options: Options) => openSink(await openBackend(options), below(options.url, '/v1development/profiles')),
} satisfies SinkType<Options>;
