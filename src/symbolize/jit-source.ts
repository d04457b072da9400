/** A source of names that reads what a runtime writes, and reads on from where it was when it is asked again. */

import { type ByteSource, ElfError } from '../elf/bytes.ts';
import { Miss } from '../model/profile.ts';
import type { GrowingBytes, JitBytes } from '../process/jit-bytes.ts';
import { type JitFunctions, jitTable } from './jit-table.ts';
import type { SourceTable, SymbolSource } from './source.ts';

/** Functions that live at one time: 128 MB. */
const MAX_FUNCTIONS = 8 << 20;

/** What has been read of a file. */
interface JitParser {
  find(address: number): number;
  /** Whether it can be the beginning of this file. */
  isPartOf(bytes: ByteSource): boolean;
  /** Whether there was something new. */
  append(bytes: ByteSource, until: number): boolean;
}

export interface JitFormat<Parser extends JitParser> {
  readonly name: string;
  readonly file: (jit: JitBytes) => GrowingBytes | undefined;
  readonly isReadable: (bytes: ByteSource) => boolean;
  readonly parser: (limit: number) => Parser;
  readonly functions: (parser: Parser, bytes: ByteSource) => Pick<JitFunctions, 'nameOf' | 'lineAt'>;
}

export function jitSource<Parser extends JitParser>(format: JitFormat<Parser>): SymbolSource {
  const read = new WeakMap<object, { readonly parser: Parser; readonly table: SourceTable }>();
  const readOn = (owner: object, { bytes, until }: GrowingBytes): SourceTable => {
    const known = read.get(owner);
    const isKnown = known?.parser.isPartOf(bytes) === true;
    const parser = known && isKnown ? known.parser : format.parser(MAX_FUNCTIONS);
    if (!parser.append(bytes, until) && known && isKnown) return known.table;
    const find = (address: number) => parser.find(address);
    const table = jitTable({ find, ...format.functions(parser, bytes) });
    read.set(owner, { parser, table });
    return table;
  };
  return {
    name: format.name,
    open({ jit }) {
      const file = jit && format.file(jit);
      if (!jit || !file) return undefined;
      try {
        return format.isReadable(file.bytes) ? readOn(jit.owner, file) : Miss.jit;
      } catch (error) {
        if (error instanceof ElfError) return Miss.jit;
        throw error;
      }
    },
  };
}
