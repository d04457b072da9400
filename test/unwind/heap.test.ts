import { describe, expect, test } from 'vitest';
import { Heap as Layout } from '../../src/capture/records.gen.ts';
import { Heap, type Piece, slotted } from '../../src/unwind/heap.ts';
import { random } from '../support/random.ts';
import { CHUNK, MemoryChunks } from './memory.ts';

function heapOf(chunks: number) {
  const provider = new MemoryChunks();
  const clock = { now: 1000 };
  const heap = new Heap(provider, chunks * CHUNK, {
    quarantineMs: 100,
    keepMs: 0,
    chunksAtOnce: 1,
    now: () => clock.now,
  });
  return { provider, clock, heap };
}

function allocate(heap: Heap, bytes: number): Piece {
  const piece = heap.allocate(bytes);
  expect(piece).toBeDefined();
  return piece!;
}

describe('allocate', () => {
  test('address 0 is never given; bytes and words are the same memory, at that address', () => {
    const { heap, provider } = heapOf(2);
    const piece = allocate(heap, 20);
    expect(piece.address).toBe(128);
    expect([piece.bytes.length, piece.words.length]).toEqual([24, 6]);
    piece.words[5] = 0xdeadbeef;
    expect(piece.bytes[23]).toBe(0xde);
    expect(provider.word(128, 20)).toBe(0xdeadbeef);
    expect([heap.used, heap.reserved]).toEqual([1024, CHUNK]);
  });

  test('a whole chunk, which the first one cannot be', () => {
    const { heap, provider } = heapOf(1);
    expect(allocate(heap, CHUNK).address).toBe(CHUNK / 8);
    expect(provider.calls).toEqual([1]);
    expect(heap.allocate(1)).toBeUndefined();
  });

  test('fills gaps first', () => {
    const { heap, provider, clock } = heapOf(4);
    const pieces = Array.from({ length: 5 }, () => allocate(heap, CHUNK / 2 - 1024));
    expect(provider.calls).toEqual([0, 1, 2]);
    heap.free(pieces[1]!);
    clock.now += 100;
    expect(allocate(heap, CHUNK / 4).address).toBe(pieces[1]!.address);
    expect(allocate(heap, CHUNK / 2).address).toBe(pieces[4]!.address + CHUNK / 2 / 8 - 128);
  });

  test.each([0, -1, CHUNK + 1, Number.NaN])('no piece of %d bytes', bytes => {
    expect(() => heapOf(4).heap.allocate(bytes)).toThrow(RangeError);
  });

  test.each([0, 1, CHUNK - 1, -5, Number.NaN])('a cap of %d bytes leaves room for nothing', bytes => {
    const provider = new MemoryChunks();
    expect(new Heap(provider, bytes).allocate(1)).toBeUndefined();
    expect(provider.calls).toEqual([]);
  });

  test('the format has a cap of its own', () => {
    const memory = new Uint8Array(CHUNK);
    const heap = new Heap(
      { add: indices => indices.map(() => () => memory), remove: () => {} },
      Number.POSITIVE_INFINITY,
    );
    for (let i = 1; i < Layout.PROFILER_MAX_CHUNKS; i++) allocate(heap, CHUNK);
    expect(heap.allocate(CHUNK)).toBeUndefined();
    expect(allocate(heap, CHUNK - 1024).address).toBe(128);
    expect(heap.allocate(1)).toBeUndefined();
    expect(heap.reserved).toBe(2 ** 30);
  });

  test('a chunk that the kernel refuses is no room, and is asked for again', () => {
    const { heap, provider } = heapOf(4);
    allocate(heap, 1000);
    provider.refusal = new Error('ENOMEM');
    expect(heap.allocate(CHUNK)).toBeUndefined();
    expect([heap.used, heap.reserved]).toEqual([1024, CHUNK]);
    provider.refusal = undefined;
    expect(allocate(heap, CHUNK).address).toBe(CHUNK / 8);
  });

  test('a chunk whose memory the kernel refuses has no room', () => {
    const refused: number[] = [];
    const map = (index: number) => () => {
      if (index === 2) return new Uint8Array(CHUNK);
      refused.push(index);
      throw new Error('ENOMEM');
    };
    const heap = new Heap({ add: indices => indices.map(map), remove: () => {} }, 3 * CHUNK, { chunksAtOnce: 3 });
    expect(allocate(heap, CHUNK).address).toBe((2 * CHUNK) / 8);
    expect(heap.allocate(1)).toBeUndefined();
    expect(refused).toEqual([1, 3]);
  });
});

describe('free', () => {
  test('others get the memory only after the quarantine', () => {
    const { heap, clock } = heapOf(1);
    const piece = allocate(heap, CHUNK - 1024);
    heap.free(piece);
    expect([heap.used, heap.reserved]).toEqual([0, CHUNK]);
    clock.now += 99;
    expect(heap.allocate(1)).toBeUndefined();
    clock.now += 1;
    expect(allocate(heap, CHUNK - 1024).address).toBe(piece.address);
  });

  test('100 ms of real time, unless told otherwise', async () => {
    const heap = new Heap(new MemoryChunks(), CHUNK);
    heap.free(allocate(heap, CHUNK - 1024));
    expect(heap.allocate(1)).toBeUndefined();
    await expect.poll(() => heap.allocate(1), { interval: 10 }).toBeDefined();
  });

  test('empty chunks are removed with the next allocation, unless that takes them', () => {
    const { heap, provider, clock } = heapOf(4);
    const pieces = [CHUNK - 1024, CHUNK, CHUNK].map(bytes => allocate(heap, bytes));
    for (const piece of pieces) heap.free(piece);
    clock.now += 100;
    expect(allocate(heap, 5000).address).toBe(128);
    expect(provider.calls).toEqual([0, 1, 2, -2, -3]);
    expect(heap.reserved).toBe(CHUNK);
    expect(allocate(heap, CHUNK).address).toBe(CHUNK / 8);
  });

  test('or by a sweep', () => {
    const { heap, provider, clock } = heapOf(4);
    heap.free(allocate(heap, CHUNK));
    heap.sweep();
    expect(provider.chunks.size).toBe(1);
    clock.now += 100;
    heap.sweep();
    expect([provider.chunks.size, heap.reserved]).toEqual([0, 0]);
  });

  test('twice is a bug, and so is a piece of another heap', () => {
    const { heap } = heapOf(4);
    const piece = allocate(heap, 1);
    heap.free(piece);
    expect(() => heap.free(piece)).toThrow('is not allocated');
    expect(() => heap.discard(piece)).toThrow('is not allocated');
    expect(() => heapOf(4).heap.free(allocate(heap, 1))).toThrow('is not allocated');
  });

  test('discarded pieces are there for others at once', () => {
    const { heap, provider } = heapOf(1);
    heap.discard(allocate(heap, CHUNK));
    expect([heap.used, heap.reserved, provider.chunks.size]).toEqual([0, 0, 0]);
    expect(allocate(heap, CHUNK - 1024).address).toBe(128);
  });
});

/** What may not be given away: first and last byte, and from when on it may. */
interface Block {
  readonly from: number;
  readonly to: number;
  until: number;
}

function sizeFrom(below: (bound: number) => number): number {
  return 1 + below([1024, 5000, 30_000, CHUNK][below(4)]!);
}

/** Runs of slots that are free at `now`, by chunk. */
function longestGap(blocks: readonly Block[], chunks: Iterable<number>, now: number): number {
  let longest = 0;
  for (const chunk of chunks) {
    let at = chunk === 0 ? 1024 : chunk * CHUNK;
    const inside = blocks.filter(({ from, until }) => Math.floor(from / CHUNK) === chunk && until > now);
    for (const { from, to } of [...inside.sort((a, b) => a.from - b.from), { from: (chunk + 1) * CHUNK, to: 0 }]) {
      longest = Math.max(longest, from - at);
      at = to;
    }
  }
  return longest;
}

test.each(Array.from({ length: 30 }, (_, seed) => seed))('against a model (seed %i)', seed => {
  const below = random(seed);
  const cap = 1 + below(6);
  const { heap, provider, clock } = heapOf(cap);
  const live: { piece: Piece; block: Block }[] = [];
  let blocks: Block[] = [];
  let used = 0;
  for (let step = 0; step < 400; step++) {
    clock.now += below(30);
    if (live.length > 0 && below(5) < 2) {
      const [{ piece, block }] = live.splice(below(live.length), 1) as [(typeof live)[0]];
      heap.free(piece);
      block.until = clock.now + 100;
      used -= block.to - block.from;
    } else {
      const bytes = sizeFrom(below);
      const chunks = [...provider.chunks.keys()];
      const piece = heap.allocate(bytes);
      blocks = blocks.filter(({ until }) => until > clock.now);
      if (piece) {
        const block = {
          from: piece.address * 8,
          to: piece.address * 8 + slotted(bytes),
          until: Number.POSITIVE_INFINITY,
        };
        expect(blocks.filter(({ from, to }) => from < block.to && to > block.from)).toEqual([]);
        expect(Math.floor(block.from / CHUNK)).toBe(Math.floor((block.to - 1) / CHUNK));
        expect(block.from).toBeGreaterThanOrEqual(1024);
        expect(piece.bytes.length).toBeGreaterThanOrEqual(bytes);
        expect(piece.bytes.buffer).toBe(provider.chunks.get(Math.floor(block.from / CHUNK))!.buffer);
        blocks.push(block);
        live.push({ piece, block });
        used += slotted(bytes);
      } else {
        // Rightly so: no gap in the chunks is long enough, and another chunk would be above the cap.
        expect(provider.chunks.size).toBe(cap);
        expect(longestGap(blocks, provider.chunks.keys(), clock.now)).toBeLessThan(slotted(bytes));
      }
      // A chunk more only where the others had no gap.
      if (piece && !chunks.includes(Math.floor((piece.address * 8) / CHUNK))) {
        expect(longestGap(blocks.slice(0, -1), chunks, clock.now)).toBeLessThan(slotted(bytes));
      }
    }
    expect([heap.used, heap.reserved]).toEqual([used, provider.chunks.size * CHUNK]);
    expect(provider.chunks.size).toBeLessThanOrEqual(cap);
  }
  for (const { piece } of live) heap.free(piece);
  clock.now += 100;
  heap.sweep();
  expect([heap.used, heap.reserved, provider.chunks.size]).toEqual([0, 0, 0]);
});

test('chunks are made together, and as many are kept but one', () => {
  const provider = new MemoryChunks();
  const clock = { now: 0 };
  const heap = new Heap(provider, 10 * CHUNK, { chunksAtOnce: 4, quarantineMs: 100, keepMs: 0, now: () => clock.now });
  const first = allocate(heap, 1024);
  expect(provider.calls).toEqual([0, 1, 2, 3]);
  heap.reserve(4 * CHUNK);
  expect(provider.calls).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  heap.reserve(100 * CHUNK);
  expect(heap.reserved).toBe(10 * CHUNK);
  heap.free(first);
  clock.now = 200;
  heap.sweep();
  expect(heap.reserved).toBe(3 * CHUNK);
});

test('chunks are removed when they were not needed for a while', () => {
  const clock = { now: 0 };
  const heap = new Heap(new MemoryChunks(), 10 * CHUNK, { chunksAtOnce: 4, keepMs: 2000, now: () => clock.now });
  const reservedAt = (now: number) => {
    clock.now = now;
    heap.sweep();
    return heap.reserved / CHUNK;
  };
  const pieces = Array.from({ length: 8 }, () => allocate(heap, CHUNK / 2 + 1));
  for (const piece of pieces) heap.free(piece);
  expect([reservedAt(100), reservedAt(2099)]).toEqual([8, 8]);
  const again = Array.from({ length: 6 }, () => allocate(heap, CHUNK / 2 + 1));
  expect(reservedAt(2100)).toBe(8); // two are empty, which may be
  for (const piece of again) heap.free(piece);
  expect([reservedAt(2200), reservedAt(4199), reservedAt(4200)]).toEqual([8, 8, 3]);
});

test('10,000 pieces in a heap of 1 GiB', () => {
  const memory = new Uint8Array(CHUNK);
  const clock = { now: 0 };
  const heap = new Heap({ add: indices => indices.map(() => () => memory), remove: () => {} }, 2 ** 30, {
    now: () => clock.now,
  });
  const below = random(1);
  const start = performance.now();
  let pieces = Array.from({ length: 10_000 }, () => heap.allocate(1 + below(200_000))).filter(
    piece => piece !== undefined,
  );
  for (let round = 0; round < 5; round++) {
    for (const piece of pieces.filter((_, i) => i % 2 === 0)) heap.free(piece);
    clock.now += 100;
    const others = pieces.filter((_, i) => i % 2 === 1);
    const more = Array.from({ length: others.length }, () => heap.allocate(1 + below(200_000)));
    pieces = [...others, ...more.filter(piece => piece !== undefined)];
  }
  expect(heap.used / 2 ** 30).toBeGreaterThan(0.9);
  expect(performance.now() - start).toBeLessThan(5000); // takes 0.2 s; looking at every slot took 25
});
