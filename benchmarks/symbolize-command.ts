/**
 * `profiler symbolize --format addr2line` beside llvm-symbolizer and addr2line: whole processes, CPU of user and system,
 * peak memory, and how many answers are the same. 100,000 random addresses of each file, with inlined calls and lines
 * where the file has DWARF; once without an index on disk and once with the one that the first run has left.
 * `node dist/benchmarks/symbolize-command.js [-n rounds] [FILE…]`; without files: node and libLLVM.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { baseName } from '../src/model/profile.ts';
import { openPath } from '../src/process/files.ts';
import { folder, has, measure, median, profiler, table } from './support.ts';

const count = 100_000;
/** addr2line reads them for minutes otherwise. */
const few = 10_000;

const libraries = '/usr/lib/x86_64-linux-gnu';
const llvmLibrary = existsSync(libraries)
  ? readdirSync(libraries).find(name => /^libLLVM.*\.so\.1/.test(name))
  : undefined;

/** Random addresses of the code, a line each. The same in each run. */
function addressesOf(path: string): string[] {
  const opened = openPath(path);
  const text = opened?.elf?.sections.find(({ name }) => name === '.text');
  opened?.bytes.close();
  if (text === undefined) throw new Error(`${path} has no .text`);
  let state = 1;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return `0x${(text.address + Math.floor((state / 2 ** 32) * text.size)).toString(16)}\n`;
  });
}

interface Contender {
  readonly name: string;
  /** A shell command that reads addresses from `input`. */
  command(path: string, input: string, options?: string): string;
  /** Done before it runs. */
  prepare?(): void;
  readonly addresses: number;
}

const caches = join(folder, 'caches');
const ours = (path: string, input: string, options = '') =>
  `XDG_CACHE_HOME='${caches}' ${profiler.join(' ')} symbolize --format addr2line ${options} --elf '${path}' <'${input}'`;

const contenders: readonly Contender[] = [
  {
    name: 'profiler, first run',
    command: ours,
    addresses: count,
    prepare: () => rmSync(caches, { recursive: true, force: true }),
  },
  { name: 'profiler, second run', command: ours, addresses: count },
  {
    name: 'llvm-symbolizer',
    command: (path, input, options = '-i') =>
      `llvm-symbolizer --output-style=GNU -f -C ${options} -e '${path}' <'${input}'`,
    addresses: count,
  },
  {
    name: `profiler, ${few} addresses`,
    command: ours,
    addresses: few,
    prepare: () => rmSync(caches, { recursive: true, force: true }),
  },
  {
    name: `addr2line, ${few} addresses`,
    command: (path, input) => `addr2line -f -C -i -e '${path}' <'${input}'`,
    addresses: few,
  },
];

/** The lines that a command prints. */
function printed(command: string): string[] {
  return execFileSync('sh', ['-c', command], { encoding: 'utf8', maxBuffer: 2 ** 30 }).split('\n');
}

/** For each address its lines: functions and places in turns. */
function ownAnswers(path: string, input: string): string[][] {
  const lines = printed(ours(path, input));
  const frames = printed(`${ours(path, input, '--format json')}`);
  let at = 0;
  return frames.filter(Boolean).map(text => {
    const { frames } = JSON.parse(text) as { frames: unknown[] };
    const first = at;
    at += 2 * Math.max(1, frames.length);
    return lines.slice(first, at);
  });
}

function theirAnswers(path: string, input: string): string[][] {
  const found: string[][] = [];
  for (const line of printed(`llvm-symbolizer --output-style=GNU -a -f -C -i -e '${path}' <'${input}'`)) {
    if (/^0x[0-9a-f]+$/.test(line)) found.push([]);
    else found.at(-1)?.push(line.replace(/ \(discriminator \d+\)$/, ''));
  }
  return found;
}

/** Shares of addresses whose functions, and whose files and lines, are the same from the innermost call on. */
function agreement(path: string, input: string): string {
  const [own, theirs] = [ownAnswers(path, input), theirAnswers(path, input)];
  const same = (rest: number) => {
    const pick = (lines: readonly string[] | undefined) => lines?.filter((_, i) => i % 2 === rest).join('\n');
    const equal = own.filter((lines, i) => pick(lines) === pick(theirs[i]?.slice(0, 2 * (theirs[i].length >> 1))));
    return `${((100 * equal.length) / own.length).toFixed(2)} %`;
  };
  return `as llvm-symbolizer: ${same(0)} of the chains of functions, ${same(1)} of their places`;
}

async function compare(path: string, rounds: number): Promise<void> {
  const addresses = addressesOf(path);
  const inputs = new Map([count, few].map(number => [number, join(folder, `addresses-${number}`)]));
  for (const [number, input] of inputs) writeFileSync(input, addresses.slice(0, number).join(''));
  const runs = contenders.filter(({ name }) => name.startsWith('profiler') || has(name.split(',')[0]!));
  const usages = new Map(runs.map(({ name }) => [name, { cpu: [] as number[], rss: [] as number[] }]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, command, prepare, addresses: number } of runs) {
      prepare?.();
      const { cpu, rss } = await measure(['sh', '-c', command(path, inputs.get(number)!)]);
      usages.get(name)!.cpu.push(cpu);
      usages.get(name)!.rss.push(rss);
    }
  }
  const cpuOf = (name: string) => median(usages.get(name)?.cpu ?? []);
  const rows = runs.map(({ name, addresses: number }) => {
    const peer = number === count ? 'llvm-symbolizer' : `addr2line, ${few} addresses`;
    const ratio = usages.has(peer) ? (cpuOf(name) / cpuOf(peer)).toFixed(2) : '';
    return [name, cpuOf(name).toFixed(2), ratio, median(usages.get(name)!.rss).toFixed(0)];
  });
  const size = (statSync(path).size / 2 ** 20).toFixed(0);
  console.log(`\n${baseName(path)}, ${size} MB, ${count} random addresses, ${rounds} rounds, medians`);
  table([['', 'CPU s', 'ratio', 'peak RSS MB'], ...rows]);
  if (has('llvm-symbolizer')) console.log(agreement(path, inputs.get(few)!));
}

const { values, positionals } = parseArgs({ options: { n: { type: 'string', default: '3' } }, allowPositionals: true });
const files =
  positionals.length > 0 ? positionals : [process.execPath, ...(llvmLibrary ? [join(libraries, llvmLibrary)] : [])];
for (const file of files) await compare(file, Number(values.n));
