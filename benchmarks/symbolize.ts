/**
 * Names for 100,000 addresses of the node binary, beside llvm-symbolizer: whole processes, CPU time of user and system
 * time, in turns, medians. `node dist/benchmarks/symbolize.js [rounds]`
 */

import { openSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tuneV8 } from '../src/cli/v8-flags.ts';
import { parseElf } from '../src/elf/elf.ts';
import { Miss } from '../src/model/profile.ts';
import { FileBytes } from '../src/process/files.ts';
import { type CodeMapping, symbolize } from '../src/symbolize/symbolizer.ts';

const count = 100_000;
const self = fileURLToPath(import.meta.url);

function nodeBinary(): CodeMapping & { readonly bytes: FileBytes } {
  const bytes = new FileBytes(openSync(process.execPath, 'r'), statSync(process.execPath).size);
  return { kind: 'file', filename: process.execPath, elf: parseElf(bytes), bytes, miss: Miss.none };
}

/** Distinct addresses all over the code. */
function addressesOf({ elf }: CodeMapping): Float64Array {
  const text = elf?.sections.find(({ name }) => name === '.text');
  if (text === undefined) throw new Error(`${process.execPath} has no section headers`);
  return Float64Array.from({ length: count }, (_, i) => text.address + Math.floor((i * text.size) / count));
}

interface Report {
  readonly parse: number;
  readonly cold: number;
  readonly warm: number;
  readonly functions: number;
  readonly named: number;
  readonly rss: number;
}

function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Calls in a process that goes on, as an agent does, until V8 has compiled what it will. */
const WARM_CALLS = 8;

/** What a child does: one cold call, and more if told to. Times of its parts in ms, memory in MB. */
function child(warm: boolean): void {
  if (!warm) tuneV8('symbolize');
  const started = cpu();
  const mapping = nodeBinary();
  const parsed = cpu();
  const address = addressesOf(mapping);
  const columns = { length: count, mapping: new Int32Array(count), address, miss: new Uint8Array(count) };
  const begin = cpu();
  const result = symbolize(columns, [mapping]);
  const cold = cpu() - begin;
  let last = 0;
  for (let call = 1; warm && call < WARM_CALLS; call++) {
    const again = cpu();
    symbolize(columns, [mapping]);
    last = cpu() - again;
  }
  const report: Report = {
    parse: parsed - started,
    cold,
    warm: last,
    functions: result.functions.length,
    named: result.lines.length,
    rss: process.resourceUsage().maxRSS / 1024,
  };
  process.stderr.write(JSON.stringify(report));
}

async function main(rounds: number): Promise<void> {
  // Not in the children, which are measured: it makes a folder, and removes it.
  const { folder, has, measure, median } = await import('./support.ts');
  const input = join(folder, 'addresses');
  writeFileSync(input, Array.from(addressesOf(nodeBinary()), address => `0x${address.toString(16)}\n`).join(''));
  const hasLlvm = has('llvm-symbolizer');
  const ours: number[] = [];
  const bare: number[] = [];
  const theirs: number[] = [];
  const reports: Report[] = [];
  for (let round = 0; round < rounds; round++) {
    const { cpu, rss } = await measure([process.execPath, self, '--cold']);
    ours.push(cpu * 1000);
    const warm = JSON.parse((await measure([process.execPath, self, '--warm'])).errors) as Report;
    reports.push({ ...warm, rss });
    bare.push((await measure([process.execPath, '-e', '0'])).cpu * 1000);
    if (!hasLlvm) continue;
    const llvm = `llvm-symbolizer --no-inlines --obj='${process.execPath}' <'${input}'`;
    theirs.push((await measure(['sh', '-c', llvm])).cpu * 1000);
  }
  const of = (pick: (report: Report) => number) => median(reports.map(pick)).toFixed(0);
  console.log(`${count} addresses of ${process.execPath}, ${rounds} rounds, median CPU`);
  console.log(
    `  cold, whole process   ${median(ours).toFixed(0)} ms, of which node itself ${median(bare).toFixed(0)} ms`,
  );
  console.log(`  headers, first call   ${of(r => r.parse)} ms, ${of(r => r.cold)} ms`);
  console.log(`  the ${WARM_CALLS}th call          ${of(r => r.warm)} ms`);
  console.log(`  peak memory           ${of(r => r.rss)} MB`);
  console.log(`  named                 ${of(r => r.named)} by ${of(r => r.functions)} functions`);
  if (!hasLlvm) return;
  const ratios = theirs.map((time, i) => time / ours[i]!);
  console.log(`  llvm-symbolizer       ${median(theirs).toFixed(0)} ms, ${median(ratios).toFixed(1)} times ours`);
}

if (process.argv[2] === '--cold' || process.argv[2] === '--warm') child(process.argv[2] === '--warm');
else await main(Number(process.argv[2] ?? 7));
