/**
 * Unwind tables of node, libc and libLLVM: made from .eh_frame, compiled, read from the cache and put into the heap. Each
 * round in processes of their own, wall time, medians. `node dist/benchmarks/unwind-tables.js [rounds]`
 */

import { execFileSync } from 'node:child_process';
import { openSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Heap as Layout } from '../src/capture/records.gen.ts';
import { readUnwindRows } from '../src/elf/eh-frame.ts';
import { parseElf } from '../src/elf/elf.ts';
import type { UnwindRows } from '../src/elf/unwind-rows.ts';
import { FileBytes } from '../src/process/files.ts';
import { TableCache } from '../src/unwind/cache.ts';
import { Heap } from '../src/unwind/heap.ts';
import { loadTable } from '../src/unwind/load.ts';
import { compileTable, type UnwindTable } from '../src/unwind/table.ts';
import { folder, median, table } from './support.ts';

const self = fileURLToPath(import.meta.url);
const WARM_ROUNDS = 10;

/** Milliseconds of a call, and what it returned. */
function timed<T>(run: () => T): [number, T] {
  const start = performance.now();
  const result = run();
  return [performance.now() - start, result];
}

/** node, the libc that it has mapped, and the largest libLLVM that is installed. */
function files(): string[] {
  const maps = readFileSync('/proc/self/maps', 'utf8');
  const libc = maps.match(/\/\S*\/libc[.-]\S*/)?.[0];
  const libraries = libc === undefined ? '/usr/lib' : join(realpathSync(libc), '..');
  const llvm = readdirSync(libraries)
    .filter(name => name.startsWith('libLLVM'))
    .map(name => realpathSync(join(libraries, name)))
    .sort((a, b) => statSync(b).size - statSync(a).size)[0];
  return [process.execPath, libc, llvm].filter(path => path !== undefined);
}

function rowsOf(path: string): UnwindRows {
  const bytes = new FileBytes(openSync(path, 'r'), statSync(path).size);
  const rows = readUnwindRows(parseElf(bytes), bytes);
  bytes.close();
  if (rows === undefined) throw new Error(`${path} has no unwind information`);
  return rows;
}

/** Memory as it comes from the kernel: zeroed pages that fault when they are first written. */
const chunks = {
  add: (indices: readonly number[]) => indices.map(() => () => new Uint8Array(Layout.PROFILER_CHUNK_BYTES)),
  remove: () => {},
};

interface Compiled {
  readonly rows: number;
  readonly bytes: number;
  readonly parse: number;
  readonly cold: number;
  readonly warm: number;
}

/** What a child does with one file: everything from its bytes to the cache. */
function compileOne(path: string, directory: string): Compiled {
  const [parse, rows] = timed(() => rowsOf(path));
  const [cold, result] = timed(() => compileTable(rows));
  if (result === undefined) throw new Error(`${path} has no table`);
  const warm = median(Array.from({ length: WARM_ROUNDS }, () => timed(() => compileTable(rows))[0]));
  new TableCache({ directory }).write(path, result);
  return { rows: result.rows.length, bytes: heapOf([result]).used, parse, cold, warm };
}

function heapOf(tables: readonly UnwindTable[]): Heap {
  const heap = new Heap(chunks, 2 ** 30);
  for (const each of tables) if (!loadTable(heap, each)) throw new Error('no room');
  return heap;
}

interface Loaded {
  readonly read: number;
  readonly load: number;
  readonly bytes: number;
}

/** What a child does with the cache: everything from the disk to the heap. */
function loadAll(paths: readonly string[], directory: string): Loaded {
  const cache = new TableCache({ directory });
  const [read, tables] = timed(() => paths.map(path => cache.read(path)));
  if (!tables.every(each => typeof each === 'object')) throw new Error('not cached');
  const [load, heap] = timed(() => heapOf(tables));
  return { read, load, bytes: heap.used };
}

function child<T>(...args: readonly string[]): T {
  return JSON.parse(execFileSync(process.execPath, [self, ...args], { encoding: 'utf8' })) as T;
}

const mb = (bytes: number) => (bytes / 1e6).toFixed(2);
const ms = (times: readonly number[]) => median(times).toFixed(1);

function main(rounds: number): void {
  const directory = join(folder, 'cache');
  const paths = files();
  const cells = paths.map(path => {
    const runs = Array.from({ length: rounds }, () => child<Compiled>('--compile', directory, path));
    const times = (pick: (run: Compiled) => number) => ms(runs.map(pick));
    const { rows, bytes } = runs[0]!;
    const name = path.replace(/.*\//, '');
    return [name, `${rows}`, mb(bytes), times(run => run.parse), times(run => run.cold), times(run => run.warm)];
  });
  console.log(`Tables of ${rounds} processes each, median ms`);
  table([['file', 'rows', 'MB', 'from .eh_frame', 'compiled, cold', 'warm'], ...cells]);
  const loads = Array.from({ length: rounds }, () => child<Loaded>('--load', directory, ...paths));
  const total = ms(loads.map(({ read, load }) => read + load));
  console.log(
    `from the cache, ${mb(loads[0]!.bytes)} MB in a new process: read ${ms(loads.map(({ read }) => read))} ms, ` +
      `into the heap ${ms(loads.map(({ load }) => load))} ms, together ${total} ms`,
  );
}

const [mode, directory, ...paths] = process.argv.slice(2);
if (mode === '--compile') process.stdout.write(JSON.stringify(compileOne(paths[0]!, directory!)));
else if (mode === '--load') process.stdout.write(JSON.stringify(loadAll(paths, directory!)));
else main(Number(mode ?? 7));
