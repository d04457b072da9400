/** Split units (DWARF 5, 7.3.2; the GNU extension of DWARF 4): what a skeleton leaves to a .dwo or .dwp. */

import * as D from './constants.ts';
import { InfoFile } from './info-file.ts';
import { Package } from './package.ts';
import type { DwarfParts } from './parts.ts';
import { Unit } from './unit.ts';
import type { Work } from './work.ts';

export class SplitUnits {
  readonly #parts: DwarfParts;
  readonly #work: Work;
  #package: Package | undefined;

  constructor(parts: DwarfParts, work: Work) {
    this.#parts = parts;
    this.#work = work;
  }

  /** What was split off a unit; undefined when nothing was or it cannot be had. */
  of(skeleton: Unit): Unit | undefined {
    const { header, file } = skeleton;
    const { splitName, splitId } = skeleton.root;
    const id = header.type === D.DW_UT_skeleton ? header.id : splitId;
    if (splitName === 0 || id === '') return undefined;
    if (this.#parts.package !== undefined) {
      this.#package ??= new Package(this.#parts.package, this.#work);
      const unit = this.#package.find(id, skeleton);
      if (unit !== undefined) return unit;
    }
    const opened = this.#parts.split?.(file.text(splitName), skeleton.directory, id);
    return opened && fromFile(new InfoFile(opened, '.dwo', this.#work), id, skeleton);
  }
}

/** A .dwo has one compile unit, and beside it units of types. */
function fromFile(file: InfoFile, id: string, skeleton: Unit): Unit | undefined {
  for (const header of file.headers) {
    if (header.type !== 0 && header.type !== D.DW_UT_split_compile) continue;
    const unit = new Unit(file, header, skeleton);
    const own = header.type === 0 ? unit.root.splitId : header.id;
    if (own === id) return unit;
  }
  return undefined;
}
