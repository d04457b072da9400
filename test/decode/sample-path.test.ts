import { expect, test } from 'vitest';
import { decodePprof } from '../../src/decode/pprof.ts';
import { ProtoWriter } from '../../src/encode/varint.ts';
import type { Profile } from '../../src/model/profile.ts';
import { random } from '../support/random.ts';

/** How a writer may put the same ids into a message: as one list, as several, as single numbers, or mixed. */
type Form = 'list' | 'lists' | 'numbers' | 'mixed';
const FORMS: readonly Form[] = ['list', 'list', 'list', 'lists', 'numbers', 'mixed'];

function writeIds(message: ProtoWriter, ids: readonly number[], form: Form): void {
  const list = (of: readonly number[]) => message.packed(1, Uint32Array.from(of), of.length);
  const middle = ids.length >> 1;
  if (form === 'list') list(ids);
  if (form === 'lists') for (const part of [ids.slice(0, middle), ids.slice(middle)]) list(part);
  if (form === 'numbers') for (const id of ids) message.field(1, id);
  if (form === 'mixed') {
    list(ids.slice(0, middle));
    for (const id of ids.slice(middle)) message.field(1, id);
  }
}

/** A pprof of samples with these ids, innermost first; location `id` has the address `16·id`. */
function encode(samples: readonly { readonly ids: readonly number[]; readonly form: Form }[]): Uint8Array {
  const [out, message] = [new ProtoWriter(), new ProtoWriter()];
  const flush = (field: number) => {
    out.message(field, message.bytes());
    message.clear();
  };
  message.field(1, 1);
  message.field(2, 2);
  flush(1);
  for (const { ids, form } of samples) {
    writeIds(message, ids, form);
    message.packed(2, Uint32Array.of(1), 1);
    flush(2);
  }
  for (const id of new Set(samples.flatMap(({ ids }) => ids))) {
    message.field(1, id);
    message.field(3, 16 * id);
    flush(4);
  }
  for (const text of ['', 'samples', 'count']) out.string(6, text);
  return out.bytes().slice();
}

/** The ids of each sample, innermost first. */
function idsOf({ samples, stacks, locations }: Profile): number[][] {
  return Array.from(samples.stack, leaf => {
    const ids: number[] = [];
    for (let stack = leaf; stack >= 0; stack = stacks.prefix[stack]!) {
      ids.push(locations.address[stacks.location[stack]!]! / 16);
    }
    return ids;
  });
}

/** Ids of one to four bytes, whose last bytes are often the same. */
const IDS = [1, 2, 127, 128, 129, 255, 256, 257, 16_383, 16_384, 16_385, 16_512, 2_097_152, 2_097_153, 2_113_536];

test.each([1, 2, 3])('samples that begin like the one before, however they are written: seed %d', seed => {
  const below = random(seed);
  let before: number[] = [];
  const samples = Array.from({ length: 3000 }, () => {
    const kept = before.slice(below(before.length + 2)); // the outermost ones
    const ids = [...Array.from({ length: below(4) }, () => IDS[below(IDS.length)]!), ...kept].slice(-40);
    before = ids;
    return { ids, form: FORMS[below(FORMS.length)]! };
  });
  expect(idsOf(decodePprof(encode(samples)))).toEqual(samples.map(({ ids }) => ids));
});

test('deep ones, after and before shallow ones', () => {
  const deep = Array.from({ length: 5000 }, (_, i) => 1 + (i % 300));
  const all = [deep, [7], [9, ...deep], [], [9, ...deep], deep.slice(2500)];
  const samples = all.map(ids => ({ ids, form: 'list' as const }));
  expect(idsOf(decodePprof(encode(samples)))).toEqual(all);
});
