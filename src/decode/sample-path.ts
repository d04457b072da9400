/** The frames of a pprof sample while it is read, beside those of the sample before it: most begin alike. */
import { growInt32, growUint32 } from '../model/columns.ts';
import { MAX_CHAINS } from '../model/merge-stacks.ts';
import { DecodeError } from './error.ts';
import type { Ids } from './ids.ts';
import type { StackTable } from './stack-table.ts';
import { Wire, type WireReader } from './wire.ts';

export class SamplePath {
  readonly #reader: WireReader;
  readonly #locations: Ids;
  /** Locations that were read, innermost first. */
  #frames = new Uint32Array(256);
  #depth = 0;
  /** The sample before, outermost first: its locations and their stacks. */
  #path = new Uint32Array(256);
  #stacks = new Int32Array(256);
  #pathLength = 0;
  /** So many of the outermost frames are those of the sample before, and were not read. */
  #shared = 0;
  /** Where the list of the sample before is, if it had just one; else nowhere. */
  #begin = 0;
  #end = 0;
  #lists = 0;

  constructor(reader: WireReader, locations: Ids) {
    this.#reader = reader;
    this.#locations = locations;
  }

  clear(): void {
    this.#depth = 0;
    this.#shared = 0;
    if (this.#lists !== 1) this.#end = this.#begin = 0;
    this.#lists = 0;
  }

  /** Reads the field location_id: a number, or a packed list of them. */
  read(): void {
    const reader = this.#reader;
    if (this.#lists++ > 0) this.#unshare();
    if (reader.wire !== Wire.bytes) {
      reader.expect(Wire.varint);
      this.#lists++; // no list at all: the next sample cannot begin as this one
      this.#location();
      return;
    }
    const outer = reader.enter();
    const [begin, end] = [reader.at, reader.end];
    if (this.#lists === 1) reader.end = this.#share(begin, end);
    this.#packed();
    reader.end = end;
    reader.leave(outer);
    [this.#begin, this.#end] = [begin, end];
  }

  /**
   * Where the bytes end that have to be read: what follows is also the end of the sample before, and is as many of its
   * outermost frames as numbers end in it. The first of these may be the end of a longer number: it is read.
   */
  #share(begin: number, end: number): number {
    const { bytes } = this.#reader;
    const least = Math.max(begin, end - (this.#end - this.#begin));
    const distance = end - this.#end;
    let [at, numbers, first] = [end, 0, end];
    while (at > least && bytes[at - 1] === bytes[at - 1 - distance]) {
      if (bytes[--at]! < 0x80) {
        numbers++;
        first = at + 1;
      }
    }
    if (numbers === 0) return end;
    this.#shared = numbers - 1;
    return first;
  }

  /** More frames follow, further out: what was shared is no longer the beginning. */
  #unshare(): void {
    for (let i = this.#shared - 1; i >= 0; i--) this.#push(this.#path[i]!);
    this.#shared = 0;
  }

  /** Most ids take two bytes at most: those are read here, all others as any number. */
  #packed(): void {
    const reader = this.#reader;
    const { bytes, end } = reader;
    while (reader.at < end) {
      const at = reader.at;
      const [first, second] = [bytes[at]!, at + 1 < end ? bytes[at + 1]! : 0x80];
      if (first > 0x7f && second > 0x7f) {
        this.#location();
        continue;
      }
      reader.at = first > 0x7f ? at + 2 : at + 1;
      this.#push(this.#locations.index(first > 0x7f ? (first & 0x7f) | (second << 7) : first, 0));
    }
  }

  #location(): void {
    this.#reader.varint();
    this.#push(this.#locations.index(this.#reader.low, this.#reader.high));
  }

  #push(location: number): void {
    if (this.#depth + this.#shared >= this.#frames.length) this.#grow();
    this.#frames[this.#depth++] = location;
  }

  #grow(): void {
    if (this.#depth >= MAX_CHAINS) throw new DecodeError(`it holds a stack of more than ${MAX_CHAINS} frames.`);
    this.#frames = growUint32(this.#frames);
    this.#path = growUint32(this.#path);
    this.#stacks = growInt32(this.#stacks);
  }

  /** The stack of the frames, −1 for none. */
  stack(table: StackTable): number {
    const [path, stacks, frames] = [this.#path, this.#stacks, this.#frames];
    const length = this.#depth + this.#shared;
    const most = Math.min(length, this.#pathLength);
    let i = this.#shared;
    while (i < most && path[i] === frames[length - 1 - i]) i++;
    let stack = i > 0 ? stacks[i - 1]! : -1;
    for (; i < length; i++) {
      path[i] = frames[length - 1 - i]!;
      stacks[i] = stack = table.push(stack, path[i]!);
    }
    this.#pathLength = length;
    return stack;
  }
}
