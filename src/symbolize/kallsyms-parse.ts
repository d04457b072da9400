/**
 * The text of /proc/kallsyms as columns (kernel/kallsyms.c: `address type name[\t[module]]`). It has a hundred thousand
 * lines, of which a recording needs some hundred: one pass notes where the lines are, names stay as they are.
 */

/** Lines with text symbols, in the order of the file. */
export interface KallsymsLines {
  readonly length: number;
  /** Signed: kernel addresses are negative. */
  readonly address: Float64Array;
  /** Where the type of the symbol is in `text`; a space and the name follow. */
  readonly offset: Uint32Array;
  readonly text: Buffer;
  /** So many lines from the first one have addresses that never descend: those of the kernel itself. */
  readonly ascending: number;
  /** Ends of text, `_etext` and `_einittext`, in ascending order. */
  readonly ends: Float64Array;
  /** Where the kernel's text begins, `_stext`; undefined when it is not told. */
  readonly textStart: number | undefined;
  /** Whether any address was shown as zero. Then no extent can be trusted: a hidden symbol may lie in every gap. */
  readonly hidden: boolean;
}

const newline = 10;
const space = 32;
const tab = 9;
const underscore = 0x5f;
/** KSYM_NAME_LEN is 512, and a module's name has up to 56 bytes; longer lines are no kernel's. */
const maxLine = 1024;
/** Distributions have 10 MB with all modules loaded. */
const maxText = 2 ** 27;

/** Parses pieces of the file, which may end anywhere. */
export function parseKallsyms(pieces: Iterable<Uint8Array>): KallsymsLines {
  const parser = new Parser(joined(pieces));
  parser.run();
  return parser.done();
}

/** Ends with a newline. */
function joined(pieces: Iterable<Uint8Array>): Buffer {
  let text = Buffer.allocUnsafe(2 ** 23);
  let used = 0;
  for (const piece of pieces) {
    if (used + piece.length >= maxText) break;
    if (used + piece.length >= text.length) text = Buffer.concat([text.subarray(0, used)], 2 * (used + piece.length));
    text.set(piece, used);
    used += piece.length;
  }
  text[used] = newline;
  return text.subarray(0, used + 1);
}

/** Of each byte: its value as a hexadecimal digit, 255 for others. */
const digits = new Uint8Array(256).fill(255);
for (let i = 0; i < 16; i++)
  digits[i.toString(16).charCodeAt(0)] = digits[i.toString(16).toUpperCase().charCodeAt(0)] = i;

/** T, t, W, w: text, global or local, and weak. */
const isText = new Uint8Array(256);
for (const type of 'TtWw') isText[type.charCodeAt(0)] = 1;

class Parser {
  readonly #text: Buffer;
  #length = 0;
  #address = new Float64Array(1 << 17);
  #offset = new Uint32Array(1 << 17);
  #ascending = 0;
  #hidden = false;
  readonly #ends: number[] = [];
  #textStart: number | undefined;

  constructor(text: Buffer) {
    this.#text = text;
  }

  run(): void {
    // A plain array of bytes: the loop is compiled for one kind.
    const text = new Uint8Array(this.#text.buffer, this.#text.byteOffset, this.#text.length);
    for (let start = 0; start < text.length; ) {
      let high = 0;
      let low = 0;
      let at = start;
      for (let digit = digits[text[at]!]!; digit < 16; digit = digits[text[++at]!]!) {
        high = (high << 4) | (low >>> 28);
        low = (low << 4) | digit;
      }
      const type = at + 1;
      let end = at;
      while (text[end] !== newline) end++;
      const isLine = text[at] === space && text[type + 1] === space && end > type + 2 && end - start <= maxLine;
      if (isLine && isText[text[type]!] === 1) this.#add(high * 2 ** 32 + (low >>> 0), type, end);
      start = end + 1;
    }
  }

  #add(address: number, type: number, end: number): void {
    // _etext, _einittext, _stext
    if (this.#text[type + 2] === underscore) {
      const name = end - type <= 12 ? this.#text.toString('latin1', type + 2, end) : '';
      if (name === '_stext') this.#textStart = address;
      if (name === '_etext' || name === '_einittext') {
        this.#ends.push(address);
        return;
      }
    }
    if (address === 0) this.#hidden = true;
    if (this.#length === this.#address.length) this.#grow();
    const last = this.#address[this.#length - 1] ?? Number.NEGATIVE_INFINITY;
    if (this.#ascending === this.#length && address >= last) this.#ascending++;
    this.#address[this.#length] = address;
    this.#offset[this.#length++] = type;
  }

  #grow(): void {
    const address = new Float64Array(2 * this.#length);
    address.set(this.#address);
    this.#address = address;
    const offset = new Uint32Array(2 * this.#length);
    offset.set(this.#offset);
    this.#offset = offset;
  }

  done(): KallsymsLines {
    return {
      length: this.#length,
      address: this.#address,
      offset: this.#offset,
      text: this.#text,
      ascending: this.#ascending,
      ends: Float64Array.from(this.#ends).sort(),
      textStart: this.#textStart,
      hidden: this.#hidden,
    };
  }
}

/** What one line says beside the address. */
export interface KernelSymbol {
  readonly name: string;
  /** '' for the kernel itself. */
  readonly module: string;
  /** Higher is better among symbols at one address. */
  readonly rank: number;
}

export function symbolAt({ text }: KallsymsLines, offset: number): KernelSymbol {
  const start = offset + 2;
  const end = text.indexOf(newline, start);
  const split = text.subarray(start, end).indexOf(tab);
  return {
    name: text.toString('utf8', start, split < 0 ? end : start + split),
    module: split < 0 ? '' : text.toString('utf8', start + split + 2, end - 1),
    rank: rankOf(text[offset]!, text, start),
  };
}

/**
 * Global over weak over local, and then fewer underscores in front, as perf chooses: `entry_SYSCALL_64` and not the
 * marker `__entry_text_start`.
 */
function rankOf(type: number, text: Buffer, name: number): number {
  let underscores = 0;
  while (underscores < 7 && text[name + underscores] === underscore) underscores++;
  const binding = type === 0x54 ? 2 : (type | 0x20) === 0x77 ? 1 : 0;
  return binding * 8 + 7 - underscores;
}
