/**
 * Parca, and what speaks its protocol: gRPC `WriteRaw` with the messages of
 * proto/parca/profilestore/v1alpha1/profilestore.proto in https://github.com/parca-dev/parca. gRPC is loaded only when a
 * configuration asks for it.
 */

import type * as Grpc from '@grpc/grpc-js';
import type { z } from 'zod';
import { type Credentials, readCredentials } from './auth.ts';
import { checkCredentials, credentialsFor, excerpt } from './delivery.ts';
import { httpUrl, networkOptions } from './options.ts';
import { bytesField, encode, labelField, messageField } from './protobuf.ts';
import { DeliveryError, type Sink, type SinkType, type Upload } from './sink.ts';
import { readTls } from './tls.ts';

const METHOD = '/parca.profilestore.v1alpha1.ProfileStoreService/WriteRaw';
/** The server takes messages of 64 MiB; proxies on the way may take 4 MiB, which is gRPC's default. */
const LIMITS = { samples: Number.POSITIVE_INFINITY, bytes: 16 * 2 ** 20, batch: 64, batchBytes: 3_000_000 };

/**
 * WriteRawRequest{series = 2, normalized = 3}; RawProfileSeries{labels = 1, samples = 2}; LabelSet{labels = 1};
 * RawSample{raw_profile = 1}. `normalized`: the addresses are those of the files, not of a process.
 */
export function encodeWriteRaw(uploads: readonly Upload[]): Uint8Array {
  return encode(request => {
    for (const { name, labels, pprof } of uploads) {
      messageField(request, 2, series => {
        messageField(series, 1, set => {
          for (const [key, value] of Object.entries({ ...labels, __name__: name })) labelField(set, 1, key, value);
        });
        messageField(series, 2, sample => bytesField(sample, 1, pprof));
      });
    }
    request.uint32(3 << 3).bool(true);
  });
}

/** What Parca (v0.28) says, without a code of its own, of profiles that it cannot read. */
const MALFORMED =
  /^(decompressing profile|close gzip reader|normalize profile|invalid profile type|failed to get profile type|missing required column)/;
const TOO_LARGE = /received message larger than max/;

/** Codes of gRPC: https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
const Code = { unknown: 2, invalidArgument: 3, resourceExhausted: 8, failedPrecondition: 9, outOfRange: 11 } as const;

export function grpcVerdict(code: number, details: string): 'retry' | 'rejected' {
  switch (code) {
    case Code.invalidArgument:
    case Code.failedPrecondition:
    case Code.outOfRange:
      return 'rejected';
    case Code.resourceExhausted:
      return TOO_LARGE.test(details) ? 'rejected' : 'retry';
    case Code.unknown:
      return MALFORMED.test(details) ? 'rejected' : 'retry';
    default:
      return 'retry';
  }
}

const url = httpUrl.refine(
  text => /^\/?$/.test(new URL(text).pathname),
  'expected a URL without a path: gRPC has none',
);
const options = networkOptions('parca', {}, url);
type Options = z.output<typeof options>;

function openClient(grpc: typeof Grpc, options: Options): Grpc.Client {
  const { hostname, port, protocol } = new URL(options.url);
  const secure = protocol === 'https:';
  const { ca, key, cert, rejectUnauthorized } = readTls(options.tls);
  const verify = rejectUnauthorized ? {} : { rejectUnauthorized, checkServerIdentity: () => undefined };
  const credentials = secure
    ? grpc.credentials.createSsl(ca ?? null, key ?? null, cert ?? null, verify)
    : grpc.credentials.createInsecure();
  return new grpc.Client(`dns:${hostname}:${port || (secure ? 443 : 80)}`, credentials, {
    'grpc.enable_http_proxy': 0, // as with the other sinks
    'grpc.enable_retries': 0, // the agent does that
    'grpc.max_receive_message_length': 64 * 1024,
    'grpc.max_reconnect_backoff_ms': 10_000,
    'grpc.service_config_disable_resolution': 1,
    'grpc.use_local_subchannel_pool': 1,
  });
}

/** @throws Error for a header that gRPC does not take */
function metadataOf(grpc: typeof Grpc, { headers }: Credentials): Grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}

/** Resolves with the status of a call that failed, with undefined when it succeeded. */
function call(
  client: Grpc.Client,
  body: Uint8Array,
  metadata: Grpc.Metadata,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Grpc.ServiceError | undefined> {
  return new Promise(resolve => {
    const toBuffer = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const deadline = Date.now() + timeoutMs;
    const done = (error: Grpc.ServiceError | null) => {
      signal.removeEventListener('abort', cancel);
      resolve(error ?? undefined);
    };
    // WriteRawResponse has no fields.
    const request = client.makeUnaryRequest(METHOD, toBuffer, () => ({}), body, metadata, { deadline }, done);
    const cancel = () => request.cancel();
    signal.addEventListener('abort', cancel);
    if (signal.aborted) cancel();
  });
}

async function openSink(options: Options): Promise<Sink> {
  const grpc = await import('@grpc/grpc-js');
  const { host } = new URL(options.url);
  const read = () => readCredentials(options);
  await checkCredentials(read);
  const client = openClient(grpc, options);
  return {
    limits: LIMITS,
    async send(uploads, signal, accepted) {
      const credentials = await credentialsFor(host, read);
      const metadata = metadataOf(grpc, credentials);
      const error = await call(client, encodeWriteRaw(uploads), metadata, options.timeout, signal);
      if (error === undefined) {
        for (const upload of uploads) accepted?.(upload);
        return;
      }
      const said = excerpt(error.details, credentials.secrets);
      const message = `cannot deliver to ${host}: ${grpc.status[error.code]}${said && ` (${said})`}.`;
      throw new DeliveryError(grpcVerdict(error.code, error.details), message, { cause: error });
    },
    close: () => client.close(),
  };
}

export const parca = {
  type: 'parca',
  options,
  open: openSink,
} satisfies SinkType<Options>;
