/** A process that shares a cache with others: `node cache-child.js DIRECTORY MAX-BYTES SEED ROUNDS`. */
import { TableCache } from '../../src/unwind/cache.ts';
import type { UnwindTable } from '../../src/unwind/table.ts';

/** The table of a key: distinct, and larger than a block. */
export function tableOf(seed: number): UnwindTable {
  const rows = new Uint32Array(3000).map((_, i) => i | (((i + seed) % 16) << 16));
  return {
    start: seed * 65_536,
    pageRows: Uint32Array.of(rows.length),
    rows,
    rules: new Uint32Array(32).fill(seed),
    unsupported: seed,
  };
}

export const KEYS = 12;

function run(directory: string, maxBytes: number, seed: number, rounds: number): void {
  const cache = new TableCache({ directory, maxBytes });
  let found = 0;
  for (let round = 0; round < rounds; round++) {
    const key = (round * (2 * seed + 1) + seed) % KEYS;
    const table = cache.read(`key ${key}`);
    if (table === 'absent') throw new Error(`key ${key} is absent`);
    if (table === undefined) cache.write(`key ${key}`, tableOf(key));
    else if (JSON.stringify(table) !== JSON.stringify(tableOf(key))) throw new Error(`key ${key} has another table`);
    else found++;
  }
  process.stdout.write(String(found));
}

const [directory, ...numbers] = process.argv.slice(2);
if (process.argv[1]?.endsWith('cache-child.js')) run(directory!, ...(numbers.map(Number) as [number, number, number]));
