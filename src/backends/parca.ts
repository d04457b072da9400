/** Parca: the query API's JSON gateway (parca/query/v1alpha1/query.proto), a merge as pprof. */
import { z } from 'zod';
import { ProfilerError } from '../errors.ts';
import type { Backend } from './query.ts';

const answer = z.object({ pprof: z.string() });

function time(ms: number): string {
  return new Date(ms).toISOString();
}

export const parca: Backend = {
  name: 'parca',
  async merge(ask, { selector, startMs, endMs }) {
    const parameters = new URLSearchParams({
      mode: 'MODE_MERGE',
      'merge.query': selector,
      'merge.start': time(startMs),
      'merge.end': time(endMs),
      reportType: 'REPORT_TYPE_PPROF',
    });
    const bytes = await ask(`/api/profiles/query?${parameters}`, {});
    if (bytes === undefined) return undefined;
    try {
      const { pprof } = answer.parse(JSON.parse(Buffer.from(bytes).toString()));
      return Buffer.from(pprof, 'base64');
    } catch (cause) {
      throw new ProfilerError('bad-answer', 'Parca gave an answer that holds no pprof.', { cause });
    }
  },
};
