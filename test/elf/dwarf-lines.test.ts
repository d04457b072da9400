import { describe, expect, it } from 'vitest';
import { openDwarf } from '../../src/elf/dwarf/dwarf.ts';
import { linesAt } from '../../src/elf/dwarf/unit-table.ts';
import { dwarfFileOf, endSequence, lineTableOf, setAddress, text, unitOf } from './dwarf-writer.ts';
import { sleb, uleb, word } from './frame-writer.ts';

const abbreviations = [1, 0x11, 0, 0x11, 0x01, 0x12, 0x06, 0x10, 0x17, 0, 0, 0];
const copy = [1];
const advancePc = (distance: number) => [2, ...uleb(distance)];
const advanceLine = (lines: number) => [3, ...sleb(lines)];
const setFile = (file: number) => [4, ...uleb(file)];

/** `file:line` at distances from the beginning of the code, '' where there is none. */
function linesOf(program: readonly number[], distances: readonly number[]): string[] {
  const unit = unitOf([1, ...word(text.address, 8), ...word(text.size, 4), ...word(0, 4)]);
  const dwarf = openDwarf({ main: dwarfFileOf({ info: unit, abbrev: abbreviations, line: lineTableOf(program) }) })!;
  return distances.map(distance => {
    let found = '';
    const table = dwarf.tableAt(text.address + distance)!;
    linesAt(table, text.address + distance, (_, file, line) => {
      found = `${table.fileOf(file)}:${line}`;
    });
    return found;
  });
}

const at = (distance: number) => setAddress(text.address + distance);

describe('line programs', () => {
  it('give each address the line of the last row before it', () => {
    const program = [...at(0), ...advanceLine(4), ...copy, ...advancePc(8), ...advanceLine(2), ...copy];
    expect(linesOf([...program, ...advancePc(4), ...endSequence], [0, 7, 8, 11, 12])).toEqual([
      'a.c:5',
      'a.c:5',
      'a.c:7',
      'a.c:7',
      '',
    ]);
  });

  it('have special opcodes, a constant advance and a fixed one', () => {
    // Opcode 13 + 14 · 2 + 7: two bytes and 7 − 5 lines on. 8: as 255 would. 9: 16 bits.
    const program = [...at(0), ...copy, 13 + 28 + 7, 8, ...copy, 9, ...word(0x100, 2), ...advanceLine(1), ...copy];
    const constant = Math.floor((255 - 13) / 14);
    expect(linesOf([...program, ...advancePc(1), ...endSequence], [1, 2, 2 + constant, 2 + constant + 0x100])).toEqual([
      'a.c:1',
      'a.c:3',
      'a.c:3',
      'a.c:4',
    ]);
  });

  it('have the last of several rows at one address', () => {
    const rows = [
      ...advanceLine(9),
      ...copy,
      ...advanceLine(1),
      ...copy,
      ...setFile(7),
      ...copy,
      ...setFile(1),
      ...copy,
    ];
    expect(linesOf([...at(0), ...rows, ...advancePc(4), ...endSequence], [0, 3])).toEqual(['a.c:11', 'a.c:11']);
  });

  it('have sequences in any order, and none of code that was thrown away', () => {
    const sequence = (distance: number, line: number) => {
      return [...at(distance), ...advanceLine(line - 1), ...copy, ...advancePc(16), ...endSequence];
    };
    const dead = [...setAddress(0), ...advanceLine(98), ...copy, ...advancePc(0x2000), ...endSequence];
    const program = [...sequence(64, 3), ...dead, ...sequence(0, 1), ...sequence(16, 2), ...sequence(72, 4)];
    expect(linesOf(program, [0, 15, 16, 31, 32, 64, 79, 80])).toEqual([
      'a.c:1',
      'a.c:1',
      'a.c:2',
      'a.c:2',
      '',
      'a.c:3',
      'a.c:3',
      'a.c:4',
    ]);
  });

  it('without an end, with rows that go back or files that there are not do no harm', () => {
    expect(linesOf([...at(0), ...copy, ...advancePc(8), ...advanceLine(1), ...copy], [0, 8])).toEqual([
      'a.c:1',
      'a.c:2',
    ]);
    const back = [...at(8), ...copy, ...at(0), ...advanceLine(1), ...copy, ...at(16), ...endSequence];
    expect(linesOf(back, [0, 8])).toEqual(['', 'a.c:1']);
    expect(linesOf([...at(0), ...setFile(99), ...copy, ...advancePc(4), ...endSequence], [0])).toEqual([':1']);
  });

  it('have lines that are none', () => {
    const program = [...at(0), ...advanceLine(-1), ...copy, ...advancePc(4), ...advanceLine(-5), ...copy];
    expect(linesOf([...program, ...advancePc(4), ...endSequence], [0, 4])).toEqual(['a.c:0', 'a.c:0']);
  });
});
