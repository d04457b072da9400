/** JSON in pieces: no document, and no column of one, is ever a single string. */

/** Code units of a piece, about. */
const PIECE = 2 ** 16;
const NUMBERS = 4096;

/** Text that is JSON already, in pieces. */
export class JsonText {
  readonly pieces: Iterable<string>;

  constructor(pieces: Iterable<string>) {
    this.pieces = pieces;
  }
}

export type NumberColumn = Uint8Array | Uint32Array | Int32Array | Float64Array;

/** A document: columns are arrays of numbers. */
export type Json =
  | string
  | number
  | boolean
  | null
  | NumberColumn
  | JsonText
  | readonly Json[]
  | { readonly [key: string]: Json };

function* numbers(column: NumberColumn): Iterable<string> {
  for (let at = 0; at < column.length; at += NUMBERS) {
    yield (at > 0 ? ',' : '') + column.subarray(at, at + NUMBERS).join(',');
  }
}

function* small(value: Json): Iterable<string> {
  if (value instanceof JsonText) yield* value.pieces;
  else if (ArrayBuffer.isView(value)) {
    yield '[';
    yield* numbers(value);
    yield ']';
  } else if (Array.isArray(value)) yield* jsonList(value as readonly Json[], item => item).pieces;
  else if (typeof value === 'object' && value !== null) {
    let before = '{';
    for (const [key, item] of Object.entries(value)) {
      yield `${before}${JSON.stringify(key)}:`;
      yield* small(item);
      before = ',';
    }
    yield before === '{' ? '{}' : '}';
  } else yield JSON.stringify(value);
}

/** A list whose items are made one after the other, while it is written. */
export function jsonList<T>(items: readonly T[], toJson: (item: T) => Json): JsonText {
  function* pieces(): Iterable<string> {
    for (const [i, item] of items.entries()) {
      yield i > 0 ? ',' : '[';
      yield* small(toJson(item));
    }
    yield items.length > 0 ? ']' : '[]';
  }
  return new JsonText(pieces());
}

/** Short pieces together. */
export function* joined(pieces: Iterable<string>): Iterable<string> {
  let text = '';
  for (const piece of pieces) {
    text += piece;
    if (text.length < PIECE) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

/** The text of a document. Numbers have to be finite. */
export function jsonText(value: Json): Iterable<string> {
  return joined(small(value));
}
