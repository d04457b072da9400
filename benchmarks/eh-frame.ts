/**
 * Unwind rows of large files: the first call of a process and the second one, CPU time of user and system time, median
 * over processes. `node dist/benchmarks/eh-frame.js [rounds] [file…]`
 */

import { existsSync, openSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readUnwindRows } from '../src/elf/eh-frame.ts';
import { parseElf } from '../src/elf/elf.ts';
import { FileBytes } from '../src/process/files.ts';
import { measure, median, table } from './support.ts';

const self = fileURLToPath(import.meta.url);
/** What Debian 12 has. */
const libraries = '/usr/lib/x86_64-linux-gnu';
const usual = [
  `${libraries}/libc.so.6`,
  process.execPath,
  `${libraries}/libLLVM-14.so.1`,
  `${libraries}/libclang-cpp.so.14`,
];

interface Report {
  /** CPU, ms. */
  readonly cold: number;
  readonly warm: number;
  readonly megabytes: number;
  readonly rows: number;
  readonly rules: number;
  readonly unsupported: number;
}

function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** What a child does. */
function child(path: string): void {
  const bytes = new FileBytes(openSync(path, 'r'), statSync(path).size);
  const elf = parseElf(bytes);
  const start = cpu();
  const rows = readUnwindRows(elf, bytes);
  const middle = cpu();
  readUnwindRows(elf, bytes);
  if (rows === undefined) throw new Error(`${path} has no unwind information`);
  let unsupported = 0;
  for (const count of rows.statistics.unsupported.values()) unsupported += count;
  const size = elf.sections.find(({ name }) => name === '.eh_frame')?.size ?? 0;
  const report: Report = {
    ...{ cold: middle - start, warm: cpu() - middle, megabytes: size / 1e6 },
    ...{ rows: rows.length, rules: rows.rules.length / 2, unsupported },
  };
  process.stderr.write(JSON.stringify(report));
}

async function main(rounds: number, paths: readonly string[]): Promise<void> {
  const rows = [['file', '.eh_frame MB', 'rows', 'rules', 'unsupported', 'first ms', 'second ms', 'peak MB']];
  for (const path of paths) {
    const reports: (Report & { readonly rss: number })[] = [];
    for (let round = 0; round < rounds; round++) {
      const { errors, rss } = await measure([process.execPath, self, '--child', path]);
      reports.push({ ...(JSON.parse(errors) as Report), rss });
    }
    const of = (pick: (report: (typeof reports)[number]) => number) => median(reports.map(pick)).toFixed(0);
    const { megabytes, rows: count, rules, unsupported } = reports[0]!;
    const counts = [count, rules, unsupported].map(value => value.toLocaleString('en'));
    rows.push([path, megabytes.toFixed(1), ...counts, of(r => r.cold), of(r => r.warm), of(r => r.rss)]);
  }
  table(rows);
}

const [, , first, ...rest] = process.argv;
if (first === '--child') child(rest[0]!);
else await main(Number(first ?? 5), rest.length > 0 ? rest : usual.filter(path => existsSync(path)));
