/**
 * Decoding pprof: 100,000 samples of 40 frames, from the uncompressed bytes to columns, beside pprof-format's objects;
 * and beside `go tool pprof -top` of the same file, a whole process that also sums up.
 * `node dist/benchmarks/decode.js [rounds]`
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Profile } from 'pprof-format';
import { decodePprof } from '../src/decode/pprof.ts';
import { ProtoWriter } from '../src/encode/varint.ts';
import { folder, has, measure, median, table } from './support.ts';

const SAMPLES = 100_000;
const FRAMES = 40;
const FUNCTIONS = 5000;

function hash(n: number): number {
  const mixed = Math.imul(n ^ (n >>> 15), 0x85ebca6b);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}

/** `depth`: of how many samples the frame is, from the outermost on; few stacks share more than their first frames. */
function frameAt(sample: number, depth: number, branches: number): number {
  return hash(Math.floor(sample / branches ** Math.max(0, FRAMES - 1 - depth)) * FRAMES + depth) % FUNCTIONS;
}

/** `branches`: callees of each frame; Infinity makes stacks that share nothing, the worst case. */
function makeFile(branches: number): Uint8Array {
  const [out, message, inner] = [new ProtoWriter(), new ProtoWriter(), new ProtoWriter()];
  const flush = (field: number) => {
    out.message(field, message.bytes());
    message.clear();
  };
  for (const [type, unit] of [
    [1, 2],
    [3, 4],
  ] as const) {
    message.field(1, type);
    message.field(2, unit);
    flush(1);
  }
  const ids = new Uint32Array(FRAMES);
  for (let i = 0; i < SAMPLES; i++) {
    for (let f = 0; f < FRAMES; f++) {
      const depth = FRAMES - 1 - f;
      ids[f] = 1 + (branches === Infinity ? hash(i * FRAMES + depth) % FUNCTIONS : frameAt(i, depth, branches));
    }
    message.packed(1, ids, FRAMES);
    inner.varint(1);
    inner.varint(10_101_010);
    message.message(2, inner.bytes());
    inner.clear();
    flush(2);
  }
  for (let i = 0; i < FUNCTIONS; i++) {
    message.field(1, i + 1);
    message.field(3, 0x401000 + 64 * i);
    inner.field(1, i + 1);
    message.message(4, inner.bytes());
    inner.clear();
    flush(4);
    message.field(1, i + 1);
    message.field(2, i + 5);
    message.field(3, i + 5);
    flush(5);
  }
  const names = Array.from({ length: FUNCTIONS }, (_, i) => `namespace::function_${i}(unsigned long)`);
  for (const text of ['', 'samples', 'count', 'cpu', 'nanoseconds', ...names]) out.string(6, text);
  return out.bytes().slice();
}

function cpuMs(run: () => void): number {
  const start = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

/** Rows of the table: what, ms, ratio. */
async function compare(bytes: Uint8Array, rounds: number): Promise<string[][]> {
  const [ours, theirs, go]: [number[], number[], number[]] = [[], [], []];
  const path = join(folder, 'decode.pb.gz');
  writeFileSync(path, gzipSync(bytes, { level: 1 }));
  for (let round = 0; round < rounds; round++) {
    ours.push(cpuMs(() => decodePprof(bytes)));
    theirs.push(cpuMs(() => Profile.decode(bytes)));
    if (has('go')) go.push(1000 * (await measure(['go', 'tool', 'pprof', '-top', path])).cpu);
  }
  const base = median(ours);
  const row = (name: string, times: readonly number[]) => {
    return [name, median(times).toFixed(0), (median(times) / base).toFixed(1)];
  };
  return [
    ['', 'ms', 'ratio'],
    row('decodePprof', ours),
    row('pprof-format', theirs),
    ...(go.length > 0 ? [row('go tool pprof -top (whole process)', go)] : []),
  ];
}

const rounds = Number(process.argv[2] ?? 5);
for (const [title, branches] of [
  ['stacks that share nothing', Infinity],
  ['a tree in which every second sample shares a caller', 2],
] as const) {
  const bytes = makeFile(branches);
  const size = (bytes.length / 1e6).toFixed(1);
  console.log(
    `${SAMPLES.toLocaleString('en')} samples of ${FRAMES} frames, ${title}, ${size} MB; CPU, median of ${rounds}`,
  );
  table(await compare(bytes, rounds));
}
