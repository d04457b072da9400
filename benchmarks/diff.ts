/**
 * `profiler diff` of two pprof files of 50 MB (not compressed) each, into every output: whole processes.
 * `node dist/benchmarks/diff.js [rounds]`
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { diffFormats } from '../src/diff/index.ts';
import { ProtoWriter } from '../src/encode/varint.ts';
import { folder, measure, median, profiler, table, type Usage } from './support.ts';

const SAMPLES = 520_000;
const FRAMES = 40;
const FUNCTIONS = 5000;

function hash(n: number): number {
  const mixed = Math.imul(n ^ (n >>> 15), 0x85ebca6b);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}

/** Every frame has two callees at most, from the innermost ones on. `build` moves some calls and all clones. */
function makeFile(build: number): Uint8Array {
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
      const node = Math.floor(i / 2 ** f) * FRAMES + f;
      ids[f] = 1 + ((hash(node) + (hash(node + 1) % 20 === 0 ? build : 0)) % FUNCTIONS);
    }
    message.packed(1, ids, FRAMES);
    inner.varint(1);
    inner.varint(10_101_010 + (hash(i + build) % 1000));
    message.message(2, inner.bytes());
    inner.clear();
    flush(2);
  }
  for (let i = 0; i < FUNCTIONS; i++) {
    message.field(1, i + 1);
    message.field(3, 0x401000 + 64 * i + 16 * build);
    inner.field(1, i + 1);
    inner.field(2, 10 + build);
    message.message(4, inner.bytes());
    inner.clear();
    flush(4);
    message.field(1, i + 1);
    message.field(2, i + 5);
    message.field(3, i + 5);
    flush(5);
  }
  const names = Array.from({ length: FUNCTIONS }, (_, i) => {
    return `crate::module_${i % 50}::function_${i}::h${hash(i + build)
      .toString(16)
      .padStart(16, '0')}`;
  });
  for (const text of ['', 'samples', 'count', 'cpu', 'nanoseconds', ...names]) out.string(6, text);
  return out.bytes().slice();
}

const rounds = Number(process.argv[2] ?? 3);
const paths = [0, 1].map(build => {
  const [path, bytes] = [join(folder, `${build}.pb`), makeFile(build)];
  writeFileSync(path, bytes);
  console.log(
    `${path}: ${(bytes.length / 1e6).toFixed(1)} MB, ${SAMPLES.toLocaleString('en')} samples of ${FRAMES} frames`,
  );
  return path;
});
const rows = [['output', 'CPU s', 'wall s', 'peak RSS MB']];
for (const { name } of diffFormats) {
  const runs: Usage[] = [];
  for (let round = 0; round < rounds; round++) {
    runs.push(await measure([...profiler, 'diff', ...paths, '--format', name, '-o', join(folder, 'out')]));
  }
  const figure = (of: 'cpu' | 'wall' | 'rss') => median(runs.map(run => run[of]));
  rows.push([name, figure('cpu').toFixed(2), figure('wall').toFixed(2), figure('rss').toFixed(0)]);
}
table(rows);
