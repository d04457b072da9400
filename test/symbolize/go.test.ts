import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { symbolize } from '../../src/symbolize/symbolizer.ts';
import { has, listed } from '../elf/toolchain.ts';
import { testFolder } from '../support/folder.ts';
import { agreement, buildTwins, linesAt, mappingOf, openGo, textAddresses } from '../support/go-truth.ts';

const path = testFolder();
const isPossible = has('go') && has('llvm-symbolizer') && has('nm');

const builds = [
  ['static', 'shapes.go', [], []],
  ['position-independent', 'shapes.go', ['-buildmode=pie'], []],
  ['with C', 'calls-c.go', [], ['gcc']],
  ['with C, position-independent', 'calls-c.go', ['-buildmode=pie'], ['gcc']],
] as const;

describe.skipIf(!isPossible)('a stripped Go program (needs go, llvm-symbolizer, nm)', () => {
  describe.each(builds)('%s', (_, source, flags, needs) => {
    const twins = () => buildTwins(path(), source, flags);

    it.skipIf(!needs.every(has))('has the names, lines and inlined calls of its DWARF', { timeout: 120_000 }, () => {
      const built = twins();
      const { go, names, lines, inlined, differences } = agreement(built, textAddresses(built.full, 2500, 1));
      expect(go).toBeGreaterThan(2000);
      expect(inlined).toBeGreaterThan(300);
      // The rest is explained in docs/symbolization.md.
      expect(names / go, differences.slice(0, 5).join('\n')).toBeGreaterThan(0.995);
      expect(lines / go, differences.slice(0, 5).join('\n')).toBeGreaterThan(0.99);
    });

    it.skipIf(!needs.every(has))(
      'names every function, and reads the same without section headers',
      { timeout: 120_000 },
      () => {
        const { full, stripped } = twins();
        const bytes = readFileSync(stripped);
        const table = openGo(bytes);
        const headless = Buffer.from(bytes);
        headless.writeBigUInt64LE(0n, 40);
        headless.writeUInt16LE(0, 60);
        const other = openGo(headless);
        let named = 0;
        for (const { address, size, name } of listed(full)) {
          if (table.find(address) < 0 || size === 0) continue;
          const lines = linesAt(table, address);
          expect(linesAt(other, address)).toEqual(lines);
          // The runtime lists C functions that Go's own linker has linked, too.
          if (lines.at(-1)!.name === name.replace(/\.abi0$/, '')) named++;
          else expect.soft(lines.at(-1)!.name, name).toMatch(/·|^_?cgo|^x_cgo/);
        }
        expect(named).toBeGreaterThan(1500);
      },
    );
  });
});

describe.skipIf(!has('go'))('a Go program (needs go)', () => {
  it('stripped, has the functions and lines of `go tool addr2line` on its twin', { timeout: 120_000 }, () => {
    const { full, stripped } = buildTwins(path(), 'shapes.go');
    const table = openGo(readFileSync(stripped));
    const addresses = textAddresses(full, 3000, 4);
    const input = addresses.map(address => `0x${address.toString(16)}\n`).join('');
    const answers = execFileSync('go', ['tool', 'addr2line', full], { input, encoding: 'utf8' }).trim().split('\n');
    let compared = 0;
    for (const [i, address] of addresses.entries()) {
      const lines = linesAt(table, address);
      // Between two functions it repeats the last line of the first; nothing runs there.
      if (lines[0]!.line === 0) continue;
      // It has the line of the innermost call, and the name of the function around all of them.
      expect(`${lines[0]!.file}:${lines[0]!.line}`).toBe(answers[2 * i + 1]);
      expect(lines.at(-1)!.name.replaceAll('·', '.')).toBe(answers[2 * i]!.replace(/\.abi0$/, ''));
      compared++;
    }
    expect(compared).toBeGreaterThan(2500);
  });

  it('has readable names of generic functions beside their own, and lines', { timeout: 120_000 }, () => {
    const { stripped } = buildTwins(path(), 'shapes.go');
    const mapping = mappingOf(readFileSync(stripped));
    const table = openGo(readFileSync(stripped));
    const symbol = Array.from({ length: table.length }, (_, i) => i).find(i =>
      table.nameOf(i).startsWith('main.mapped[go.shape.int'),
    )!;
    expect(table.readableNameOf?.(symbol)).toBe('main.mapped[...]');
    const named = Array.from(textAddresses(stripped, 20_000, 2));
    const address = named.find(at => linesAt(table, at).some(({ name }) => name.startsWith('main.times4')))!;
    const columns = { length: 1, mapping: Int32Array.of(0), address: Float64Array.of(address), miss: Uint8Array.of(0) };
    const { strings, functions, lines } = symbolize(columns, [mapping]);
    const found = Array.from(lines.function, (index, i) => `${strings[functions.name[index]!]}:${lines.line[i]}`);
    expect(found.join(' < ')).toMatch(/main\.times4:19 < main\.\S+:\d+$/);
  });
});
