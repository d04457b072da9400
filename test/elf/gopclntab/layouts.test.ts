import { describe, expect, it } from 'vitest';
import { type ByteSource, ElfError, MemoryBytes } from '../../../src/elf/bytes.ts';
import { parseElf } from '../../../src/elf/elf.ts';
import type { PclnVersion } from '../../../src/elf/gopclntab/header.ts';
import { PcValues } from '../../../src/elf/gopclntab/pc-values.ts';
import { type GoTable, readGoTable } from '../../../src/elf/gopclntab/table.ts';
import { Pieces } from '../../../src/elf/pieces.ts';
import { random } from '../../support/random.ts';
import { goProgram, pcTable, type TestFunction, text } from './go-program.ts';

const versions: readonly PclnVersion[] = ['1.2', '1.16', '1.18', '1.20'];

const functions: readonly TestFunction[] = [
  { name: 'main.first', size: 0x20, lines: [[0, 10]] },
  {
    name: 'main.outer',
    size: 0x100,
    lines: [
      [0, 20],
      [0x40, 5],
      [0x60, 8],
      [0x80, 22],
    ],
    calls: [
      { name: 'main.middle', parentPc: 0x80 },
      { name: 'main.inner', parentPc: 0x60 },
    ],
    inlined: [
      [0, -1],
      [0x40, 1],
      [0x60, 0],
      [0x80, -1],
    ],
  },
  { name: 'main.last', size: 0x1000, lines: [[0, 300]] },
];

function read(source: ByteSource): GoTable {
  const table = readGoTable(parseElf(source), source);
  if (table === undefined) throw new Error('no table');
  return table;
}

/** The lines of an address as `name file:line`, joined innermost first; undefined when no function covers it. */
function linesAt(table: GoTable, address: number): string | undefined {
  const index = table.find(address);
  if (index < 0) return undefined;
  const lines: string[] = [];
  table.linesAt(index, address, (name, file, line) => lines.push(`${table.nameAt(name)} ${file}:${line}`));
  return lines.join(' < ');
}

describe.each(versions)('a table of Go %s', version => {
  const table = () => read(new MemoryBytes(goProgram(version, functions)));

  it('names functions from their first byte to their last', () => {
    const at = [-1, 0, 0x1f, 0x20, 0x120, 0x111f, 0x1120].map(distance => linesAt(table(), text + distance));
    expect(at).toEqual([
      undefined,
      'main.first /src/main.go:10',
      'main.first /src/main.go:10',
      'main.outer /src/main.go:20',
      'main.last /src/main.go:300',
      'main.last /src/main.go:300',
      undefined,
    ]);
  });

  it('has inlined calls with the lines they are called at', () => {
    const at = [0x3f, 0x40, 0x60, 0x80].map(distance => linesAt(table(), text + 0x20 + distance));
    expect(at).toEqual([
      'main.outer /src/main.go:20',
      'main.inner /src/main.go:5 < main.middle /src/main.go:8 < main.outer /src/main.go:22',
      'main.middle /src/main.go:8 < main.outer /src/main.go:22',
      'main.outer /src/main.go:22',
    ]);
  });

  it('whose inlined calls lead in a circle has the function alone', () => {
    const [first, outer, last] = functions;
    const circle = outer!.calls!.map(({ name }) => ({ name, parentPc: 0x40 }));
    const circular = read(new MemoryBytes(goProgram(version, [first!, { ...outer!, calls: circle }, last!])));
    expect(linesAt(circular, text + 0x60)).toBe('main.outer /src/main.go:5');
  });

  it('that is damaged is read or refused', { timeout: 60_000 }, () => {
    const original = goProgram(version, functions);
    const number = random(1);
    for (let round = 0; round < 600; round++) {
      const bytes = Buffer.from(original);
      const from = [0x2000, 0x12000, 0x13000][number(3)]!;
      for (let i = number(4); i >= 0; i--) bytes[from + number(from === 0x2000 ? 0x260 : 0x100)] = number(256);
      readAll(new MemoryBytes(round % 3 === 0 ? bytes.subarray(0, number(bytes.length)) : bytes));
    }
  });
});

/** Everything there is to read; only an ElfError may come out of it. */
function readAll(source: ByteSource): void {
  try {
    const table = readGoTable(parseElf(source), source);
    if (table === undefined) return;
    for (let distance = 0; distance < 0x1120; distance += 0x20) linesAt(table, text + distance);
    for (let index = 0; index < Math.min(table.length, 1000); index++) table.nameAt(table.nameOffset(index));
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
  }
}

describe('tables of program counters', () => {
  it('without an end cost little, however often they are asked', { timeout: 60_000 }, () => {
    const bytes = new Pieces(new MemoryBytes(new Uint8Array(64 << 20).fill(2)), 0, 64 << 20);
    const values = new PcValues(bytes, 1);
    const found = new Set(Array.from({ length: 2_000 }, () => values.valueAt(1, 2 ** 30)));
    expect(found).toEqual(new Set([-1]));
  });

  it('are read as the runtime does: a difference of zero may come first', () => {
    const rows = [
      [0, -1],
      [4, 700],
      [400, 2],
    ] as const;
    const table = Buffer.from([0, ...pcTable(rows, 1000)]);
    const values = new PcValues(new Pieces(new MemoryBytes(table), 0, table.length), 1);
    expect([0, 3, 4, 399, 400, 999, 1000].map(at => values.valueAt(1, at))).toEqual([-1, -1, 700, 700, 2, 2, -1]);
  });
});
