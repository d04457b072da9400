/**
 * Where the functions of a unit are, without what is in them. gcc says of each entry where the next one is: a lookup of
 * a few addresses reads a few functions of a unit of thousands.
 */

import { growUint32 } from '../../model/columns.ts';
import { ElfError } from '../bytes.ts';
import { EntryKind } from './abbreviations.ts';
import type { CodeSpace } from './code-space.ts';
import { EntryReader } from './entry-reader.ts';
import { type Painted, paint, Ranges } from './painted.ts';
import type { Unit } from './unit.ts';

const maxDepth = 1 << 10;
/** The last entry of a list has no sibling. Compilers that name none at all are known by so many without. */
const maxWithout = 16;

export interface Functions {
  /** Of each function: where it begins and ends, from the beginning of the unit in bytes. */
  readonly entry: Uint32Array;
  readonly end: Uint32Array;
  /** Which function an address lies in; not those inside of other functions. */
  readonly painted: Painted;
}

/**
 * undefined when the unit has to be read as a whole, since its entries do not say where the next one is.
 * @throws ElfError when it is damaged
 */
export function readFunctions(unit: Unit, code: CodeSpace): Functions | undefined {
  const { entries, end } = unit.header;
  const reader = new EntryReader(unit, code, entries, end);
  const found = new Found();
  let depth = 0;
  let [jumps, without] = [0, 0];
  while (!reader.atEnd) {
    if (!reader.read()) {
      if (--depth <= 0) break;
      continue;
    }
    const isContainer = reader.kind === EntryKind.container;
    const isFunction = reader.kind === EntryKind.function && reader.hasCode;
    if (isFunction) found.add(reader);
    if (reader.hasChildren && !isContainer && reader.hasSibling) {
      reader.jump();
      jumps++;
    } else if (reader.hasChildren) {
      if (!isContainer && ++without > maxWithout && without > jumps) return undefined;
      if (++depth >= maxDepth) throw new ElfError('damaged', 'the entries of a unit are nested too deep');
    }
    if (isFunction) found.end(reader.hasSibling ? reader.next : end - unit.header.offset);
    if (depth === 0) break;
  }
  return found.done();
}

class Found {
  readonly #ranges = new Ranges();
  #length = 0;
  #entry = new Uint32Array(256);
  #end = new Uint32Array(256);

  add(reader: EntryReader): void {
    if (this.#length === this.#entry.length) {
      this.#entry = growUint32(this.#entry);
      this.#end = growUint32(this.#end);
    }
    this.#entry[this.#length] = reader.entry;
    reader.addRanges(this.#length++, this.#ranges);
  }

  /** Of the function that was added last. */
  end(end: number): void {
    this.#end[this.#length - 1] = end;
  }

  done(): Functions {
    const length = this.#length;
    return { entry: this.#entry.slice(0, length), end: this.#end.slice(0, length), painted: paint(this.#ranges) };
  }
}
