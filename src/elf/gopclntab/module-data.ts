/**
 * runtime.firstmoduledata: where the text is that offsets count from, and where what functions refer to is (Go's
 * runtime/symtab.go: moduledata; cmd/link/internal/ld/symtab.go writes it).
 */

import { type ByteSource, ElfError, readAddress, viewOf } from '../bytes.ts';
import { type Elf, fileOffsetOfAddress, PF_W, PT_LOAD } from '../format.ts';
import { pointersTo, RelocatedBytes } from '../relocated.ts';
import { occurrences } from '../search.ts';
import type { PclnTab } from './locate.ts';

export interface ModuleData {
  /** Address of the first function. */
  readonly firstPc: number;
  /** The pointers behind runtime.text: one of them is `gofunc`, which one depends on the release. */
  readonly pointers: readonly number[];
}

/**
 * A pointer to the table's header, six slices of three words each, `findfunctab`, then these: the same from 1.16 to 1.27.
 */
const minPc = 20;
const maxPc = 21;
const afterText = 23;
/** Of about 70: gofunc was the 38th in 1.18 and is the 43rd in 1.27. */
const words = 48;
const maxSearched = 256 * 2 ** 20;
const maxAttempts = 256;

/**
 * Finds it by its first word, which points to the table, and knows it by the extent of the text, `textSize` bytes.
 * @throws ElfError `truncated` when a segment reaches out of the file
 */
export function findModuleData(elf: Elf, source: ByteSource, tab: PclnTab, textSize: number): ModuleData | undefined {
  let attempts = 0;
  for (const address of candidates(elf, source, tab)) {
    if (++attempts > maxAttempts) return undefined;
    const found = moduleAt(elf, source, tab, textSize, address);
    if (found !== undefined) return found;
  }
  for (const address of pointersTo(elf, source, tab.address)) {
    const relocated = new RelocatedBytes(elf, source, address, words * tab.header.wordSize);
    const found = moduleAt(elf, relocated, tab, textSize, address);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The addresses of what looks like a pointer to the table, those in the section of that name first (from 1.26). */
function* candidates(elf: Elf, source: ByteSource, tab: PclnTab): Generator<number> {
  const { wordSize } = tab.header;
  const pattern = new Uint8Array(wordSize);
  const view = viewOf(pattern);
  view.setUint32(0, tab.address, true);
  if (wordSize === 8) view.setInt32(4, Math.floor(tab.address / 2 ** 32), true);
  const section = elf.sections.find(({ name }) => name === '.go.module');
  if (section !== undefined) yield section.address;
  let searched = 0;
  for (const { type, flags, offset, fileSize, address } of elf.segments) {
    // It is data of the runtime, which writes to it.
    if (type !== PT_LOAD || (flags & PF_W) === 0) continue;
    searched += fileSize;
    if (searched > maxSearched) return;
    for (const at of occurrences(source, offset, offset + fileSize, [pattern])) yield address + at - offset;
  }
}

function moduleAt(
  elf: Elf,
  source: ByteSource,
  tab: PclnTab,
  textSize: number,
  address: number,
): ModuleData | undefined {
  const { wordSize } = tab.header;
  const offset = fileOffsetOfAddress(elf, address, words * wordSize);
  if (address % wordSize !== 0 || offset === undefined) return undefined;
  const view = viewOf(readOrNone(source, offset, words * wordSize));
  if (view.byteLength === 0) return undefined;
  const all = Array.from({ length: words }, (_, i) =>
    wordSize === 8 ? readAddress(view, i * 8) : view.getUint32(i * 4, true),
  );
  const isModule = all[0] === tab.address && textSize > 0 && all[maxPc]! - all[minPc]! === textSize;
  return isModule ? { firstPc: all[minPc]!, pointers: [...new Set(all.slice(afterText))] } : undefined;
}

function readOrNone(source: ByteSource, offset: number, length: number): Uint8Array {
  try {
    return source.read(offset, length);
  } catch (error) {
    if (error instanceof ElfError) return new Uint8Array(0);
    throw error;
  }
}
