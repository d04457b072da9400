/** The functions and inlined calls of a unit (DWARF 5, 3.3). */

import { growInt32, growUint8, growUint32 } from '../../model/columns.ts';
import { ElfError } from '../bytes.ts';
import { EntryKind, Slot } from './abbreviations.ts';
import type { CodeSpace } from './code-space.ts';
import { EntryReader } from './entry-reader.ts';
import { type Painted, paint, Ranges } from './painted.ts';
import type { Unit } from './unit.ts';

/** In Rust each `let` opens a block: hundreds of them are nested. */
const maxDepth = 1 << 14;
/** Templates of templates are inlined some 60 deep; what is deeper belongs to the call around it. */
const maxInlined = 250;

/** In the place of a scope: outside of functions, and in a function that is no code itself. */
const nowhere = -1;
const noCode = -2;

export interface Scopes {
  readonly length: number;
  /** See ScopeColumns. */
  readonly parent: Int32Array;
  readonly callFile: Uint32Array;
  readonly callLine: Uint32Array;
  /** Where the entry is, from the beginning of the unit in bytes. */
  readonly entry: Uint32Array;
  readonly innermost: Painted;
}

/**
 * Reads the entries [from, to) of a unit and what is below them. `firstFile`: what the number of a file counts from, 1
 * when the line table has a file 0.
 * @throws ElfError when it is damaged
 */
export function readScopes(unit: Unit, code: CodeSpace, firstFile: number, from: number, to: number): Scopes {
  const walk = new Walk(new EntryReader(unit, code, from, to), firstFile);
  walk.run();
  return walk.done();
}

/** Scopes are collected here and then copied: functions are read by the thousand, one after the other. */
let parent = new Int32Array(256);
/** How many calls are inlined into one another. */
let level = new Uint8Array(256);
let callFile = new Uint32Array(256);
let callLine = new Uint32Array(256);
let entry = new Uint32Array(256);
const ranges = new Ranges();

class Walk {
  readonly #reader: EntryReader;
  readonly #firstFile: number;
  #length = 0;

  constructor(reader: EntryReader, firstFile: number) {
    this.#reader = reader;
    this.#firstFile = firstFile;
    ranges.clear();
  }

  done(): Scopes {
    const length = this.#length;
    return {
      length,
      parent: parent.slice(0, length),
      callFile: callFile.slice(0, length),
      callLine: callLine.slice(0, length),
      entry: entry.slice(0, length),
      innermost: paint(ranges),
    };
  }

  run(): void {
    const reader = this.#reader;
    /** The scope around the entries of each level. */
    const around = [nowhere];
    let depth = 0;
    while (!reader.atEnd) {
      if (!reader.read()) {
        if (--depth <= 0) return;
        continue;
      }
      const { kind } = reader;
      const isScope = kind === EntryKind.function || kind === EntryKind.inlined;
      const scope = isScope ? this.#enter(around[depth]!) : around[depth]!;
      if (!reader.hasChildren) {
        if (depth === 0) return;
      } else if (this.#mayJump(scope)) reader.jump();
      else {
        if (++depth >= maxDepth) throw new ElfError('damaged', 'the entries of a unit are nested too deep');
        around[depth] = scope;
      }
    }
  }

  /**
   * Whether nothing below an entry is of interest: parameters of calls, types. Only gcc says where siblings are, and
   * gcc puts functions with code into the types that are local to functions (lambdas), and into no others.
   */
  #mayJump(scope: number): boolean {
    const { kind, hasSibling } = this.#reader;
    return hasSibling && (kind === EntryKind.other || (kind === EntryKind.type && scope === nowhere));
  }

  /** A function or an inlined call; returns the scope that its children are in. */
  #enter(around: number): number {
    const reader = this.#reader;
    const isInlined = reader.kind === EntryKind.inlined;
    // Without a function around it is the inlined call of an abstract function, which is no code.
    if (isInlined ? around < 0 : !reader.hasCode) return noCode;
    const depth = isInlined ? level[around]! + 1 : 0;
    if (depth > maxInlined) return around;
    const scope = this.#length++;
    if (scope === parent.length) this.#grow();
    parent[scope] = isInlined ? around : nowhere;
    level[scope] = depth;
    callFile[scope] = reader.value(Slot.callFile, -this.#firstFile) + this.#firstFile;
    callLine[scope] = reader.value(Slot.callLine, 0);
    entry[scope] = reader.entry;
    reader.addRanges(scope, ranges);
    return scope;
  }

  #grow(): void {
    parent = growInt32(parent);
    level = growUint8(level);
    callFile = growUint32(callFile);
    callLine = growUint32(callLine);
    entry = growUint32(entry);
  }
}
