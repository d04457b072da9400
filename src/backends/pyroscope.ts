/** Pyroscope: SelectMergeProfile of its querier (querier/v1/querier.proto), by the Connect protocol. */
import protobuf from 'protobufjs/minimal.js';
import { ExitCode, ProfilerError } from '../errors.ts';
import type { Backend, ProfileQuery } from './query.ts';

const METHOD = '/querier.v1.QuerierService/SelectMergeProfile';
const TAG = { type: 10, labels: 18, start: 24, end: 32 } as const;

/** querier.v1.SelectMergeProfileRequest: profile_typeID = 1, label_selector = 2, start = 3, end = 4. */
function encode({ selector, startMs, endMs }: ProfileQuery): Uint8Array<ArrayBuffer> {
  const [, type, labels] = /^([^{]+)(\{.*\})$/s.exec(selector.trim()) ?? [];
  if (type === undefined || labels === undefined) {
    throw new ProfilerError('usage', `the selector "${selector}" is none of Pyroscope.`, {
      hint: 'It has a type and labels: process_cpu:cpu:nanoseconds:cpu:nanoseconds{service_name="x"}',
      exitCode: ExitCode.usage,
    });
  }
  const writer = protobuf.Writer.create();
  writer.uint32(TAG.type).string(type).uint32(TAG.labels).string(labels);
  writer.uint32(TAG.start).int64(startMs).uint32(TAG.end).int64(endMs);
  return new Uint8Array(writer.finish());
}

export const pyroscope: Backend = {
  name: 'pyroscope',
  async merge(ask, query) {
    const bytes = await ask(METHOD, { body: encode(query), type: 'application/proto' });
    return bytes?.length === 0 ? undefined : bytes;
  },
};
