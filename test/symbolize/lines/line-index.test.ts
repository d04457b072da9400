import { chmodSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { DiskCache } from '../../../src/cache/disk-cache.ts';
import { LineIndex } from '../../../src/symbolize/lines/line-index.ts';
import { openBelow, testFolder } from '../../support/folder.ts';
import { random } from '../../support/random.ts';

const path = testFolder();
let count = 0;
const base = 0x400000;
const indexes: LineIndex[] = [];

afterEach(() => {
  for (const index of indexes.splice(0)) index.close();
  expect(openBelow(path())).toEqual([]);
});

function disk(directory = path(`cache-${count++}`)): DiskCache {
  return new DiskCache({ folder: 'lines', extension: 'lines' }, { directory });
}

function open(from: DiskCache | undefined, key = 'key'): LineIndex {
  const index = new LineIndex(key, from);
  indexes.push(index);
  return index;
}

type Frame = readonly [name: string, file: string, line: number];

function add(index: LineIndex, start: number, end: number, frames: readonly Frame[], isKept = true): number {
  const answer = index.begin(base, start, end, isKept);
  for (const [name, file, line] of frames) index.add(index.symbolOf(name), file, line);
  return answer;
}

function framesOf(index: LineIndex, answer: number): Frame[] {
  const frames: Frame[] = [];
  const take = (symbol: number, file: string, line: number) => frames.push([index.nameOf(symbol), file, line]);
  index.frames(answer, { add: take, addFunction: take });
  return frames;
}

const inner: Frame[] = [
  ['inner', '/a.h', 7],
  ['outer', '/a.c', 9],
];
const outer: Frame[] = [['outer', '/a.c', 10]];

describe('what one run has found', () => {
  test('the next one knows, by address', () => {
    const cache = disk();
    const first = open(cache);
    expect(framesOf(first, add(first, 0x20, 0x30, outer))).toEqual(outer);
    expect(framesOf(first, add(first, 0x10, 0x20, inner))).toEqual(inner);
    expect([first.find(base + 0x10), first.known(0x10, 0x1f), first.known(0x10, 0x20)]).toEqual([-1, 1, -1]);
    first.addUnknown(base + 0x40);
    expect(first.unsaved).toBe(3);
    first.save();
    expect(first.unsaved).toBe(0);

    const second = open(cache);
    expect(second.hasStored).toBe(true);
    const at = (distance: number) => {
      const answer = second.find(base + distance);
      return answer < 0 ? undefined : framesOf(second, answer);
    };
    expect([at(0xf), at(0x10), at(0x1f), at(0x20), at(0x2f), at(0x30)]).toEqual([
      undefined,
      inner,
      inner,
      outer,
      outer,
      undefined,
    ]);
    expect([at(0x40), at(0x41)]).toEqual([[], undefined]);
    expect(second.nameOf(second.functionOf(second.find(base + 0x10)))).toBe('outer');
    expect(second.functionOf(second.find(base + 0x40))).toBe(-1);
    expect(second.find(base - 1)).toBe(-1);
  });

  test('grows with the next one, and with the one after', () => {
    const cache = disk();
    for (const [i, frames] of [inner, outer, inner].entries()) {
      const index = open(cache);
      add(index, 0x10 * i, 0x10 * i + 8, frames);
      index.save();
    }
    const last = open(cache);
    const found = [0, 0x10, 0x20].map(distance => framesOf(last, last.find(base + distance)));
    expect(found).toEqual([inner, outer, inner]);
    expect(last.find(base + 8)).toBe(-1);
  });

  test('is not mixed: of intervals that overlap each address has one answer', () => {
    const cache = disk();
    const index = open(cache);
    add(index, 0x10, 0x40, outer);
    add(index, 0x20, 0x30, inner);
    add(index, 0x10, 0x18, inner);
    index.save();
    const next = open(cache);
    expect(framesOf(next, next.find(base + 0x1f))).toEqual(outer);
    expect(framesOf(next, next.find(base + 0x20))).toEqual(inner);
  });

  test('stays with it where there is no disk, or it is not to be kept', () => {
    const cache = disk();
    const index = open(cache);
    const passing = add(index, 0x10, 0x20, inner, false);
    expect([framesOf(index, passing), index.isPassing(passing), index.unsaved]).toEqual([inner, true, 0]);
    const kept = add(index, 0x30, 0x40, outer);
    expect([framesOf(index, kept), index.isPassing(kept), index.unsaved]).toEqual([outer, false, 1]);
    index.save();
    expect(open(cache).find(base + 0x10)).toBe(-1);
    const alone = open(undefined);
    expect(framesOf(alone, add(alone, 0x10, 0x20, inner))).toEqual(inner);
    alone.save();
    expect(alone.unsaved).toBe(0);
  });
});

describe('a file that is not believed', () => {
  function written(): { cache: DiskCache; file: string } {
    const directory = path(`cache-${count++}`);
    const cache = disk(directory);
    const index = open(cache);
    for (let i = 0; i < 5000; i++) add(index, 16 * i, 16 * i + 8, [[`function ${i}`, `/file-${i % 7}.c`, i]]);
    index.save();
    const [name] = readdirSync(directory) as [string];
    return { cache, file: join(directory, name) };
  }

  test.each<[string, (file: string) => void]>([
    ['is cut off', file => truncateSync(file, 5000)],
    ['is empty', file => truncateSync(file)],
    ['can be written by others', file => chmodSync(file, 0o666)],
    ['has another version', file => writeFileSync(file, changed(file, -60))],
    ['has a wrong checksum', file => writeFileSync(file, changed(file, -4))],
    ['is text', file => writeFileSync(file, 'x'.repeat(10_000))],
  ])('%s', (_, harm) => {
    const { cache, file } = written();
    expect(open(cache).hasStored).toBe(true);
    harm(file);
    expect(open(cache).hasStored).toBe(false);
  });

  test('is of another key', () => {
    const { cache } = written();
    expect(open(cache, 'other').hasStored).toBe(false);
  });

  test('is of another program with the same key', () => {
    const { cache } = written();
    const index = open(cache);
    expect(index.find(base)).toBe(0);
    index.begin(base + 0x1000, 0, 8, true);
    expect(index.find(base)).toBe(-1);
  });

  test('has damage anywhere: answers are right or missing', () => {
    const { cache, file } = written();
    const whole = readFileSync(file);
    const below = random(3);
    for (let round = 0; round < 60; round++) {
      const bytes = Buffer.from(whole);
      for (let i = 0; i <= below(3); i++) bytes[below(bytes.length)]! ^= 1 << below(8);
      writeFileSync(file, bytes, { mode: 0o600 });
      const index = open(cache);
      for (let i = 0; i < 50; i++) {
        const at = below(5000);
        const answer = index.find(base + 16 * at);
        const frames = answer < 0 ? [] : framesOf(index, answer);
        for (const [name, source, line] of frames) {
          expect([`function ${at}`, '']).toContain(name);
          expect([`/file-${at % 7}.c`, '']).toContain(source);
          expect(line).toBe(at);
        }
      }
      index.close();
    }
  });
});

function changed(file: string, at: number): Buffer {
  const bytes = readFileSync(file);
  bytes[bytes.length + at]! ^= 1;
  return bytes;
}
