/** <special-name>: tables, thunks and guards that compilers make (Itanium C++ ABI, 5.1.4.4). */
import { newFacts, readEncoding, readName } from './names.ts';
import type { Parser } from './parser.ts';
import { readTemplateArgument } from './templates.ts';
import { readType } from './types.ts';
import { failure, single, type Value } from './values.ts';

const ofTypes: Readonly<Record<string, string>> = {
  TV: 'vtable for ',
  TT: 'VTT for ',
  TI: 'typeinfo for ',
  TS: 'typeinfo name for ',
};

const ofNames: Readonly<Record<string, string>> = {
  TW: 'thread-local wrapper routine for ',
  TH: 'thread-local initialization routine for ',
  GV: 'guard variable for ',
};

const ofFunctions: Readonly<Record<string, string>> = {
  GTt: 'transaction clone for ',
  GTn: 'non-transaction clone for ',
};

export function readSpecial(parser: Parser): string {
  const { text, at } = parser;
  const code = text.startsWith('GT', at) ? text.slice(at, at + 3) : text.slice(at, at + 2);
  parser.at += code.length;
  if (ofTypes[code] !== undefined) return ofTypes[code] + single(readType(parser));
  if (ofNames[code] !== undefined) return ofNames[code] + single(readSpecialName(parser));
  if (ofFunctions[code] !== undefined) return ofFunctions[code] + readEncoding(parser);
  switch (code) {
    case 'TA':
      return `template parameter object for ${single(readTemplateArgument(parser))}`;
    case 'GR':
      return readTemporary(parser);
    case 'TC':
      return readConstructionVtable(parser);
    case 'Tc':
      readOffset(parser, parser.peek());
      readOffset(parser, parser.peek());
      return `covariant return thunk to ${readEncoding(parser)}`;
    case 'Th':
    case 'Tv':
      parser.at--;
      readOffset(parser, code[1]!);
      return `${code === 'Tv' ? 'virtual' : 'non-virtual'} thunk to ${readEncoding(parser)}`;
    default:
      throw failure;
  }
}

function readSpecialName(parser: Parser): Value {
  return readName(parser, newFacts(false));
}

function readTemporary(parser: Parser): string {
  const name = single(readSpecialName(parser));
  if (!parser.isAtEnd) parser.index(36);
  return `reference temporary for ${name}`;
}

function readConstructionVtable(parser: Parser): string {
  const first = single(readType(parser));
  parser.number();
  parser.need('_');
  return `construction vtable for ${single(readType(parser))}-in-${first}`;
}

/** `h` and an offset, or `v` and two of them. */
function readOffset(parser: Parser, kind: string): void {
  parser.need(kind === 'v' ? 'v' : 'h');
  parser.number();
  parser.need('_');
  if (kind !== 'v') return;
  parser.number();
  parser.need('_');
}
