/**
 * Names for 1,000 kernel addresses: asked from the kernel one by one, and from /proc/kallsyms as a whole. CPU of user and
 * system time in one process, in turns, medians. `node dist/benchmarks/kernel-names.js [rounds]`, as root
 */

import { openKernelNames } from '../src/capture/addon.ts';
import { Miss } from '../src/model/profile.ts';
import { kernelSymbols, readKallsyms } from '../src/symbolize/kallsyms.ts';
import { runningKernel } from '../src/symbolize/kernel-files.ts';
import { kernelLookup } from '../src/symbolize/kernel-lookup.ts';
import type { CodeMapping, SymbolSource } from '../src/symbolize/source.ts';
import { symbolize } from '../src/symbolize/symbolizer.ts';
import { median, table } from './support.ts';

const count = 1000;

/** All over the kernel's text: what a recording of some seconds meets is a third of it at most. */
function addresses(): Float64Array {
  const kernel = readKallsyms(runningKernel);
  if (typeof kernel === 'number' || kernel.textStart === undefined) throw new Error('the kernel hides its addresses');
  const start = kernel.textStart;
  return Float64Array.from({ length: count }, (_, i) => start + i * 8192);
}

/** CPU in ms, of a first call, and how many addresses have names. */
function run(address: Float64Array, source: SymbolSource): { readonly cpu: number; readonly named: number } {
  const kernel: CodeMapping = { kind: 'kernel', filename: '', elf: undefined, bytes: undefined, miss: Miss.none };
  const columns = { length: count, mapping: new Int32Array(count), address, miss: new Uint8Array(count) };
  const start = process.cpuUsage();
  const { miss } = symbolize(columns, [kernel], { sources: [source] });
  const { user, system } = process.cpuUsage(start);
  return { cpu: (user + system) / 1000, named: miss.filter(why => why === Miss.none).length };
}

const rounds = Number(process.argv[2] ?? 9);
const at = addresses();
const sources = [kernelLookup(runningKernel, openKernelNames), kernelSymbols(runningKernel)];
const found = Array.from({ length: rounds }, () => sources.map(source => run(at, source)));
const of = (index: number) => median(found.map(round => round[index]!.cpu));
const rows = ['asked one by one', '/proc/kallsyms'].map((name, i) => {
  return [name, of(i).toFixed(1), (of(i) / of(0)).toFixed(1), String(found[0]![i]!.named)];
});
console.log(`${count} kernel addresses, ${rounds} rounds`);
table([['names', 'CPU ms', 'ratio', 'named'], ...rows]);
