/**
 * Pyroscope's push API: Connect, unary, binary (https://connectrpc.com/docs/protocol#unary-request), with the messages
 * of api/push/v1/push.proto in https://github.com/grafana/pyroscope.
 */

import type { z } from 'zod';
import { codeVerdict, connectCode } from './connect.ts';
import { messageOf, openBackend, type Verdict, verdictOf } from './delivery.ts';
import { below, networkOptions } from './options.ts';
import { bytesField, encode, labelField, messageField, textField } from './protobuf.ts';
import type { Answer } from './request.ts';
import { separately } from './separately.ts';
import type { SinkType, Upload } from './sink.ts';

const PATH = '/push.v1.PusherService/Push';
/**
 * The server's defaults: 16,000 samples a profile, and 2 MiB, labels included, that may come at once (its burst): what
 * is above that is refused however often it comes.
 */
const LIMITS = { samples: 16_000, bytes: 2_000_000, batch: 64, batchBytes: 1_000_000 };
/** What the server says, with the code `unknown`, of profiles that it cannot read. */
const MALFORMED = /^(gzip|proto|unmarshal|copy to buffer)\b/;

/** PushRequest.series = 1; RawProfileSeries{labels = 1, samples = 2}; RawSample{raw_profile = 1, ID = 2}. */
export function encodePush({ id, name, labels, pprof }: Upload): Uint8Array {
  return encode(request => {
    messageField(request, 1, series => {
      // The values are of this window alone: the server must not subtract the window before.
      for (const [key, value] of Object.entries({ ...labels, __name__: name, __delta__: 'false' }))
        labelField(series, 1, key, value);
      messageField(series, 2, sample => {
        bytesField(sample, 1, pprof);
        textField(sample, 2, id);
      });
    });
  });
}

/** The code counts, not the status; a page that says 200 is not the answer of a Pyroscope. */
export function pushVerdict(answer: Answer): Verdict {
  const verdict = verdictOf(answer);
  if (verdict === 'accepted') return answer.headers['content-type'] === 'application/proto' ? 'accepted' : 'retry';
  const code = connectCode(answer.body);
  if (code === undefined) return verdict;
  return code === 'unknown' && MALFORMED.test(messageOf(answer.body)) ? 'rejected' : codeVerdict(code);
}

const options = networkOptions('pyroscope-push', {});
type Options = z.output<typeof options>;

export const pyroscopePush = {
  type: 'pyroscope-push',
  options,
  async open(options: Options) {
    const backend = await openBackend(options);
    const url = below(options.url, PATH);
    const headers = { 'Content-Type': 'application/proto', 'Connect-Protocol-Version': '1' };
    return {
      limits: LIMITS,
      // One a request: of a request with several the server takes some and refuses others, without saying which.
      send: separately((upload, signal) =>
        backend.deliver({ method: 'POST', url, headers, body: encodePush(upload) }, signal, pushVerdict),
      ),
      close: () => backend.close(),
    };
  },
} satisfies SinkType<Options>;
