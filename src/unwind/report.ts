/** How code would be unwound, for people. */
import { ElfError } from '../elf/bytes.ts';
import { readUnwindRows } from '../elf/eh-frame.ts';
import type { UnwindStatistics } from '../elf/unwind-rows.ts';
import type { MappedCode } from '../process/code.ts';
import { compileTable, tableBytes } from './table.ts';

/** The unwind information of a file. */
export interface UnwindReport {
  /** Whether stacks are walked by its table; by frame pointers when not. */
  readonly usable: boolean;
  /** Why it is not usable; '' when it is. */
  readonly reason: string;
  readonly rows: number;
  readonly rules: number;
  /** What the table takes of --unwind-memory. */
  readonly bytes: number;
  readonly statistics: UnwindStatistics | undefined;
}

const NONE = { usable: false, rows: 0, rules: 0, bytes: 0, statistics: undefined } as const;

/** Reads and compiles the unwind information of a file, whatever is in the cache. */
export function reportUnwinding({ elf, bytes }: Pick<MappedCode, 'elf' | 'bytes'>): UnwindReport {
  if (!elf || !bytes) return { ...NONE, reason: 'not a readable ELF file' };
  try {
    const rows = readUnwindRows(elf, bytes);
    if (!rows) return { ...NONE, reason: `no .eh_frame and no .debug_frame (${elf.machine})` };
    const { statistics } = rows;
    const table = compileTable(rows);
    if (!table) return { ...NONE, statistics, reason: 'the table is beyond a limit of its format' };
    const size = { rows: table.rows.length, rules: table.rules.length / 2, bytes: tableBytes(table) };
    return { ...size, usable: true, reason: '', statistics };
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
    return { ...NONE, reason: `damaged unwind information: ${error.message}` };
  }
}
