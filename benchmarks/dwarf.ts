/**
 * Functions, inlined calls and lines at random addresses of large programs with debug information, beside
 * llvm-symbolizer and addr2line: whole processes, CPU time of user and system, in turns, medians.
 * `node dist/benchmarks/dwarf.js [rounds [FILE]]`
 */

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tuneV8 } from '../src/cli/v8-flags.ts';
import { Miss } from '../src/model/profile.ts';
import { packageRoot } from '../src/package.ts';
import { openPath } from '../src/process/files.ts';
import { symbolize } from '../src/symbolize/symbolizer.ts';
import { folder, has, measure, median, table } from './support.ts';

const self = fileURLToPath(import.meta.url);

/** What a child does: names the addresses of a file, and prints them as llvm-symbolizer does. */
function child(path: string, input: string): void {
  tuneV8('symbolize');
  const opened = openPath(path);
  if (opened?.elf === undefined) throw new Error(`${path} is no ELF file`);
  const mapping = { kind: 'file', filename: path, elf: opened.elf, bytes: opened.bytes, miss: Miss.none } as const;
  const address = Float64Array.from(readFileSync(input, 'latin1').trimEnd().split('\n'), Number);
  const { length } = address;
  const columns = { length, mapping: new Int32Array(length), address, miss: new Uint8Array(length) };
  const { strings, functions, lines, firstLine } = symbolize(columns, [mapping]);
  let text = '';
  for (let i = 0; i < length; i++) {
    if (firstLine[i] === firstLine[i + 1]) text += '??\n??:0\n';
    for (let line = firstLine[i]!; line < firstLine[i + 1]!; line++) {
      const of = lines.function[line]!;
      const file = strings[functions.filename[of]!]! || '??';
      text += `${strings[functions.name[of]!]!}\n${file}:${lines.line[line] || '?'}\n`;
    }
    if (text.length > 1 << 16 || i === length - 1) {
      writeSync(1, text);
      text = '';
    }
  }
}

/**
 * A shared object of many copies of one program, whose symbols have names of their own: objcopy and the linker are a
 * hundred times as fast as compilers.
 */
function build(name: string, copies: number): string {
  const output = join(folder, name);
  const run = (command: string, ...args: readonly string[]) => execFileSync(command, args, { cwd: folder });
  const options = ['-shared', '-nostdlib', '-Wl,--unresolved-symbols=ignore-all'];
  const objects: string[] = [];
  for (const source of ['main', 'library']) {
    const path = join(packageRoot, `benchmarks/dwarf/${source}.cc`);
    run('g++', '-std=c++17', '-O2', '-g', '-fPIC', '-fno-plt', '-c', path, '-o', `${source}.o`);
    for (let copy = 0; copy < copies; copy++) {
      objects.push(`${source}${copy}.o`);
      run('objcopy', `--prefix-symbols=c${copy}_`, `${source}.o`, `${source}${copy}.o`);
    }
  }
  for (let copy = 0; copy < copies; copy++) options.push(`-Wl,--defsym=c${copy}___dso_handle=0`);
  run('g++', ...options, ...objects, '-o', output);
  run('rm', ...objects);
  return output;
}

/** All over the code, the same in each run. */
function writeAddresses(path: string, count: number): string {
  const text = openPath(path)?.elf?.sections.find(({ name }) => name === '.text');
  if (text === undefined) throw new Error(`${path} has no .text`);
  let state = 12345;
  const lines = Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return `0x${(text.address + Math.floor((state / 2 ** 32) * text.size)).toString(16)}\n`;
  });
  const output = join(folder, `addresses-${count}`);
  writeFileSync(output, lines.join(''));
  return output;
}

/** Rows of the table: each tool on these addresses. */
async function compare(path: string, count: number, rounds: number): Promise<string[][]> {
  const input = writeAddresses(path, count);
  const shell = (command: string) => ['sh', '-c', `exec ${command} < ${input}`];
  const tools: [string, readonly string[], number][] = [
    ['ours', [process.execPath, self, '--child', path, input], rounds],
    ['llvm-symbolizer', shell(`llvm-symbolizer --output-style=GNU -f -C -i -e ${path}`), rounds],
  ];
  // It takes milliseconds for each address.
  if (count <= 2000) tools.push(['addr2line', shell(`addr2line -f -C -i -e ${path}`), 1]);
  const usages = tools.map(() => [] as { cpu: number; rss: number }[]);
  for (let round = 0; round < rounds; round++) {
    for (const [i, [name, command, times]] of tools.entries()) {
      if (round < times && (i === 0 || has(name))) usages[i]!.push(await measure(command));
    }
  }
  const ours = median(usages[0]!.map(({ cpu }) => cpu));
  return tools.map(([name], i) => {
    const measured = usages[i]!;
    const cpu = median(measured.map(usage => usage.cpu));
    if (measured.length === 0) return [`${count}`, name, 'not installed', '', ''];
    const rss = `${Math.round(median(measured.map(usage => usage.rss)))} MB`;
    return [`${count}`, name, `${cpu.toFixed(2)} s`, rss, `${(ours / cpu).toFixed(2)}`];
  });
}

async function main(rounds: number, file: string | undefined): Promise<void> {
  const programs = file === undefined ? [build('large.so', 60), build('huge.so', 240)] : [file];
  for (const [i, path] of programs.entries()) {
    const sizes = i === 0 ? [2000, 100_000] : [2000];
    console.log(`${path.replace(/^.*\//, '')}: ${Math.round((openPath(path)?.bytes.size ?? 0) / 1e6)} MB`);
    const rows = [['addresses', 'tool', 'CPU', 'peak RSS', 'ours / it']];
    for (const count of sizes) rows.push(...(await compare(path, count, rounds)));
    table(rows);
  }
}

const [first = '5', second, third] = process.argv.slice(2);
if (first === '--child') child(second!, third!);
else await main(Number(first), second);
