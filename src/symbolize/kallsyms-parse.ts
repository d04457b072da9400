/** The text of /proc/kallsyms as columns. It has megabytes: it is read in pieces and is never one string. */

/** Text symbols in the order of the file. */
export interface KernelSymbolColumns {
  readonly length: number;
  /** Signed: kernel addresses are negative. */
  readonly address: Float64Array;
  /** Where the name begins in `names`; each ends with a NUL. */
  readonly offset: Uint32Array;
  /** Higher is better among symbols at one address. */
  readonly rank: Uint8Array;
  /** Index into `modules`. */
  readonly module: Uint16Array;
  /** `func`, or `func [module]`. */
  readonly names: Buffer;
  /** Names of the modules; the first is '', the kernel itself. */
  readonly modules: readonly string[];
  /** Ends of text: `_etext` and `_einittext`. */
  readonly ends: readonly number[];
  /** Whether any address was shown as zero. Then no extent can be trusted: a hidden symbol may lie in every gap. */
  readonly hidden: boolean;
}

const newline = 10;
const space = 32;
const tab = 9;
const underscore = 0x5f;
/** KSYM_NAME_LEN is 512, and a module's name has up to 56 bytes; longer lines are no kernel's. */
const maxLine = 1024;
const maxModules = 65535;

/** Parses pieces of the file, which may end anywhere. */
export function parseKallsyms(pieces: Iterable<Uint8Array>): KernelSymbolColumns {
  const parser = new Parser();
  let rest: Uint8Array = Buffer.alloc(0);
  for (const piece of pieces) {
    let start = 0;
    for (let end = piece.indexOf(newline); end >= 0; end = piece.indexOf(newline, start)) {
      if (rest.length > 0) {
        const line = Buffer.concat([rest, piece.subarray(start, end)]);
        if (line.length <= maxLine) parser.line(line, 0, line.length);
        rest = Buffer.alloc(0);
      } else if (end - start <= maxLine) parser.line(piece, start, end);
      start = end + 1;
    }
    // Copied: the piece is not ours to keep. Of an endless line only so much that it is still too long.
    if (rest.length <= maxLine) rest = Buffer.concat([rest, piece.subarray(start, start + maxLine + 1)]);
  }
  if (rest.length > 0 && rest.length <= maxLine) parser.line(rest, 0, rest.length);
  return parser.done();
}

class Parser {
  #length = 0;
  #address = new Float64Array(1 << 15);
  #offset = new Uint32Array(1 << 15);
  #rank = new Uint8Array(1 << 15);
  #module = new Uint16Array(1 << 15);
  #names: Buffer = Buffer.alloc(1 << 20);
  #used = 0;
  #hidden = false;
  readonly #ends: number[] = [];
  readonly #modules = new Map<string, number>([['', 0]]);

  line(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    let high = 0;
    let low = 0;
    for (; at < end && bytes[at] !== space; at++) {
      const digit = hexDigit(bytes[at]!);
      if (digit < 0) return;
      high = (high << 4) | (low >>> 28);
      low = (low << 4) | digit;
    }
    const address = high * 2 ** 32 + (low >>> 0);
    const type = bytes[at + 1]!;
    const name = at + 3;
    if (name >= end || bytes[at + 2] !== space) return;
    const nameEnd = indexOf(bytes, tab, name, end);
    if (isEndOfText(bytes, name, nameEnd)) this.#ends.push(address);
    else if (isText(type)) this.#add(address, rankOf(type, bytes, name), bytes, name, nameEnd, end);
  }

  #add(address: number, rank: number, bytes: Uint8Array, name: number, nameEnd: number, end: number): void {
    if (address === 0) this.#hidden = true;
    const module = nameEnd < end ? this.#moduleOf(bytes, nameEnd + 1, end) : 0;
    if (this.#length === this.#address.length) this.#growColumns();
    this.#address[this.#length] = address;
    this.#offset[this.#length] = this.#used;
    this.#rank[this.#length] = rank;
    this.#module[this.#length++] = module;
    const size = end - name;
    if (this.#used + size + 1 > this.#names.length) this.#names = grown(this.#names, this.#names.length * 2);
    this.#names.set(bytes.subarray(name, end), this.#used);
    if (nameEnd < end) this.#names[this.#used + nameEnd - name] = space;
    this.#used += size;
    this.#names[this.#used++] = 0;
  }

  /** The number of the module of `[module]`. */
  #moduleOf(bytes: Uint8Array, start: number, end: number): number {
    const name = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start)
      .toString('latin1')
      .slice(1, -1);
    let module = this.#modules.get(name);
    if (module === undefined) {
      module = Math.min(this.#modules.size, maxModules);
      this.#modules.set(name, module);
    }
    return module;
  }

  #growColumns(): void {
    const length = this.#length * 2;
    const address = new Float64Array(length);
    address.set(this.#address);
    this.#address = address;
    const offset = new Uint32Array(length);
    offset.set(this.#offset);
    this.#offset = offset;
    const rank = new Uint8Array(length);
    rank.set(this.#rank);
    this.#rank = rank;
    const module = new Uint16Array(length);
    module.set(this.#module);
    this.#module = module;
  }

  done(): KernelSymbolColumns {
    return {
      length: this.#length,
      address: this.#address,
      offset: this.#offset,
      rank: this.#rank,
      module: this.#module,
      names: grown(this.#names, this.#used),
      modules: [...this.#modules.keys()],
      ends: this.#ends,
      hidden: this.#hidden,
    };
  }
}

function grown(bytes: Buffer, length: number): Buffer {
  const larger = Buffer.alloc(length);
  bytes.copy(larger);
  return larger;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

function indexOf(bytes: Uint8Array, byte: number, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== byte) at++;
  return at;
}

/** t and T are local and global text, w and W weak. */
function isText(type: number): boolean {
  const letter = type | 0x20;
  return letter === 0x74 || letter === 0x77;
}

/**
 * Global over weak over local, and then fewer underscores in front, as perf chooses: `entry_SYSCALL_64` and not the
 * marker `__entry_text_start`.
 */
function rankOf(type: number, bytes: Uint8Array, name: number): number {
  let underscores = 0;
  while (underscores < 7 && bytes[name + underscores] === underscore) underscores++;
  const binding = type === 0x54 ? 2 : (type | 0x20) === 0x77 ? 1 : 0;
  return binding * 8 + 7 - underscores;
}

const endsOfText = ['_etext', '_einittext'].map(name => Buffer.from(name));

function isEndOfText(bytes: Uint8Array, name: number, end: number): boolean {
  if (bytes[name] !== underscore || bytes[name + 1] !== 0x65) return false;
  return endsOfText.some(text => text.length === end - name && text.every((byte, i) => bytes[name + i] === byte));
}
