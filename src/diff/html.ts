/** The difference as a page: the flame graph of both sides, tables and search. */
import { gzipSync } from 'node:zlib';
import { renderHtml } from '../../flamegraph/html.ts';
import type { Difference } from './difference.ts';
import { sideFacts } from './facts.ts';
import type { DiffEncodeOptions, DiffFormat } from './format.ts';

function encode(difference: Difference, { title, absolute, side }: DiffEncodeOptions): Iterable<string> {
  const { stacks, sampleType, notes } = difference;
  return renderHtml(stacks, {
    title,
    facts: [...sideFacts(difference), ...notes.map(note => ['note', note] as const)],
    unit: sampleType.unit,
    normalize: !absolute,
    side,
    compress: bytes => gzipSync(bytes),
  });
}

export const html: DiffFormat = {
  name: 'html',
  description: 'page with the flame graph of both sides, opens in a browser',
  extensions: ['.html'],
  encode,
};
