/**
 * Unwind tables: from any place in a file's code, where the caller's frame, frame pointer and return address are. Read
 * from the call frame information of .eh_frame (LSB Core, "Exception Frames") and .debug_frame (DWARF 5, 6.4).
 */

import { RuleKind, Saved } from '../capture/records.gen.ts';
import type { ByteSource } from './bytes.ts';
import { CfaProgram } from './cfi/cfa-program.ts';
import { collectEntries, ExecutableSegments } from './cfi/frame-collector.ts';
import { FrameEntries } from './cfi/frame-entries.ts';
import { debugFrame, ehFrame, isGo } from './cfi/frame-sections.ts';
import { type FrameRegisters, frameRegisters } from './cfi/frame-state.ts';
import { signalTrampolines } from './cfi/signal-trampolines.ts';
import { type Elf, ET_REL, PF_X, PT_LOAD, type Segment } from './format.ts';
import { RowBuilder, type UnwindRows } from './unwind-rows.ts';

/** Offsets of rows have 32 bits. */
const maxSpan = 2 ** 32 - 1;
/** Bytes of call frame information for a row: libLLVM-14 has 5.3, node 7.5. */
const bytesPerRow = 5;

/**
 * The unwind rows of a 64-bit x86-64 or arm64 file. A damaged entry is left out and counted.
 * @returns undefined when the file has no unwind information
 * @throws ElfError when a section reaches out of the file, is larger than 256 MB or cannot be decompressed
 */
export function readUnwindRows(elf: Elf, source: ByteSource): UnwindRows | undefined {
  const registers = frameRegisters[elf.machine];
  if (registers === undefined || elf.class !== 64 || elf.type === ET_REL) return undefined;
  const code = new ExecutableSegments(elf);
  const entries = new FrameEntries();
  let bytes = 0;
  for (const section of [ehFrame(elf, source), debugFrame(elf, source)]) {
    if (section === undefined) continue;
    bytes += section.bytes.length;
    if (entries.length === 0) collectEntries(section, code, entries);
    else entries.fill(collectEntries(section, code, new FrameEntries()));
  }
  entries.fill(trampolineEntries(elf, source));
  if (entries.length === 0) return isGo(elf) ? framePointerRows(elf) : undefined;
  return makeRows(entries, registers, bytes / bytesPerRow);
}

/** Go that was stripped: its frame pointers are good, and lead from one stack to another where its runtime changes them. */
function framePointerRows(elf: Elf): UnwindRows | undefined {
  const code = elf.segments.find(executable);
  if (code === undefined) return undefined;
  const rows = new RowBuilder(2);
  rows.add(0, RuleKind.PROFILER_RULE_UNSUPPORTED | (Saved.PROFILER_EXACT_ONLY << 8), 0);
  rows.addGap(Math.min(code.memorySize, maxSpan));
  return rows.finish(code.address, { entries: 0, damaged: 0, discarded: 0, cut: false });
}

function executable({ type, flags }: Segment): boolean {
  return type === PT_LOAD && (flags & PF_X) !== 0;
}

function trampolineEntries(elf: Elf, source: ByteSource): FrameEntries {
  const entries = new FrameEntries();
  for (const { start, size } of signalTrampolines(elf, source)) entries.addSignal(start, size);
  return entries;
}

/** Runs the instructions of the entries in the order of their code. Of two that overlap the later start wins. */
function makeRows(entries: FrameEntries, registers: FrameRegisters, expected: number): UnwindRows {
  const { length, pc, size } = entries;
  const order = entries.order();
  const base = pc[order === undefined ? 0 : order[0]!]!;
  const rows = new RowBuilder(expected);
  const program = new CfaProgram(registers, rows, base);
  let covered = 0;
  let used = 0;
  for (let i = 0; i < length; i++) {
    const entry = order === undefined ? i : order[i]!;
    const start = pc[entry]! - base;
    const next = i + 1 < length ? pc[order === undefined ? i + 1 : order[i + 1]!]! - base : maxSpan;
    const limit = Math.min(start + size[entry]!, next, maxSpan);
    if (start >= limit) continue;
    if (covered < start) rows.addGap(covered);
    const before = rows.length;
    const isGood = addRows(entries, entry, program, rows, start, limit);
    if (isGood && !rows.full) {
      covered = limit;
      used++;
      continue;
    }
    rows.cutTo(before);
    if (rows.full) break;
    entries.damaged++;
  }
  rows.addGap(covered);
  const cut = entries.cut || rows.full || pc[order === undefined ? length - 1 : order[length - 1]!]! - base >= maxSpan;
  return rows.finish(base, { entries: used, damaged: entries.damaged, discarded: entries.discarded, cut });
}

/** False when the entry is damaged. */
function addRows(
  { at, end, cie, cies }: FrameEntries,
  entry: number,
  program: CfaProgram,
  rows: RowBuilder,
  start: number,
  limit: number,
): boolean {
  const common = cies[cie[entry]!]!;
  if (!common.isSignal) return program.run(common, at[entry]!, end[entry]!, start, limit);
  // What its instructions say is how the kernel lays out the frame, which the walk knows.
  rows.add(start, RuleKind.PROFILER_RULE_SIGNAL, 0);
  return true;
}
