/**
 * Stripped Go programs beside what llvm-symbolizer says of their twins with DWARF: 20,000 random addresses of each, and
 * the cost of naming 100,000. Releases of Go: the one on the PATH, and those below $GO_TOOLCHAINS, a folder with modules
 * `golang.org/toolchain@…` as `go mod download` leaves them. `node dist/benchmarks/go.js [rounds]`
 */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { symbolize } from '../src/symbolize/symbolizer.ts';
import { listed } from '../test/elf/toolchain.ts';
import {
  type Agreement,
  agreement,
  buildTwins,
  linesAt,
  mappingOf,
  openGo,
  type Twins,
  textAddresses,
} from '../test/support/go-truth.ts';
import { folder, has, measure, median, table } from './support.ts';

const self = fileURLToPath(import.meta.url);

/** `SHOW`: how many differences of each program are printed. */
const environment: { readonly GO_TOOLCHAINS?: string; readonly SHOW?: string } = process.env;

interface Release {
  readonly name: string;
  readonly go: string;
}

function releases(): Release[] {
  const modules = environment.GO_TOOLCHAINS ?? '';
  const below = modules === '' || !existsSync(modules) ? [] : readdirSync(modules);
  const older = below.flatMap(entry => {
    const version = /^toolchain@v0\.0\.1-go([\d.]+)\.linux/.exec(entry)?.[1];
    return version === undefined ? [] : [{ name: version, go: join(modules, entry, 'bin/go') }];
  });
  const order = ({ name }: Release) => [0, 1, 2].reduce((sum, i) => sum * 1000 + Number(name.split('.')[i] ?? 0), 0);
  return [...older.toSorted((a, b) => order(a) - order(b)), { name: 'on the PATH', go: 'go' }];
}

const builds = [
  ['', []],
  ['PIE', ['-buildmode=pie']],
] as const;

/** Old releases know neither generics nor position-independent programs. */
function twinsOf({ name, go }: Release, withC: boolean, flags: readonly string[]): Twins | undefined {
  const isOld = /^1\.(?:\d|1[0-7])(?:\.|$)/.test(name);
  try {
    return buildTwins(folder, withC ? 'calls-c.go' : isOld ? 'plain.go' : 'shapes.go', flags, go);
  } catch {
    return undefined;
  }
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(2)} %`;
}

/** Functions that the linker lists: how many of those in Go code have the name that it gives them. */
function functionsNamed({ full, stripped }: Twins): string {
  const names = openGo(readFileSync(stripped));
  const functions = listed(full).filter(({ address, size }) => size > 0 && names.find(address) >= 0);
  const right = functions.filter(({ address, name }) => {
    const found = linesAt(names, address).at(-1)!.name;
    return found === name.replace(/\.abi0$/, '') || found.replaceAll('·', '.') === name;
  });
  return percent(right.length, functions.length);
}

function row(what: readonly string[], twins: Twins, found: Agreement): string[] {
  const { go, names, lines, inlined, padding, foreign, differences } = found;
  if (environment.SHOW !== undefined) console.log(differences.slice(0, Number(environment.SHOW)).join('\n'));
  const shares = [percent(names, go), percent(lines, go)];
  return [...what, functionsNamed(twins), String(go), ...shares, String(inlined), String(padding), String(foreign)];
}

function truth(count: number): void {
  const heading = ['Go', 'build', 'functions', 'addresses', 'names', 'lines', 'inlined', 'between', 'in C'];
  const rows = [heading];
  for (const release of releases()) {
    for (const withC of has('gcc') ? [false, true] : [false]) {
      for (const [build, flags] of builds) {
        const twins = twinsOf(release, withC, flags);
        if (twins === undefined) continue;
        const what = [release.name, [build, withC ? 'with C' : ''].filter(Boolean).join(', ') || 'plain'];
        rows.push(row(what, twins, agreement(twins, textAddresses(twins.full, count, 1))));
      }
    }
  }
  table(rows);
}

/** What a child does: names the addresses of a file of them. */
function child(program: string, input: string): void {
  const addresses = Float64Array.from(readFileSync(input, 'utf8').trim().split('\n'), Number);
  const length = addresses.length;
  const columns = { length, mapping: new Int32Array(length), address: addresses, miss: new Uint8Array(length) };
  const { lines } = symbolize(columns, [mappingOf(readFileSync(program))]);
  process.stderr.write(String(lines.length));
}

async function cost(rounds: number): Promise<void> {
  const { full, stripped } = buildTwins(folder, 'shapes.go');
  const input = join(folder, 'addresses');
  writeFileSync(
    input,
    textAddresses(full, 100_000, 3)
      .map(address => `0x${address.toString(16)}\n`)
      .join(''),
  );
  const commands = {
    ours: [process.execPath, self, '--child', stripped, input],
    'llvm-symbolizer': ['sh', '-c', `llvm-symbolizer --no-demangle --obj='${full}' <'${input}'`],
    'go tool addr2line (no inlined calls)': ['sh', '-c', `go tool addr2line '${full}' <'${input}'`],
  };
  const found = new Map<string, { cpu: number[]; rss: number[] }>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, command] of Object.entries(commands)) {
      const { cpu, rss } = await measure(command);
      const of = found.get(name) ?? { cpu: [], rss: [] };
      of.cpu.push(cpu);
      of.rss.push(rss);
      found.set(name, of);
    }
  }
  const ours = found.get('ours')!;
  const rows = Array.from(found, ([name, { cpu, rss }]) => {
    const ratio = median(cpu.map((seconds, i) => seconds / ours.cpu[i]!));
    return [name, median(cpu).toFixed(2), ratio.toFixed(1), median(rss).toFixed(0)];
  });
  console.log(`\n100,000 addresses, whole processes, ${rounds} rounds`);
  table([['tool', 'CPU s', 'ratio', 'peak RSS MB'], ...rows]);
}

if (process.argv[2] === '--child') child(process.argv[3]!, process.argv[4]!);
else if (!has('go') || !has('llvm-symbolizer') || !has('nm')) console.log('needs go, llvm-symbolizer and nm');
else {
  truth(20_000);
  await cost(Number(process.argv[2] ?? 5));
}
