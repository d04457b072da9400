/** Numbers of byte strings: found by hash, then compared in full. */
import { growInt32, growUint8, growUint32 } from '../model/columns.ts';
import { Text } from './text.ts';

/** Of all distinct strings together. */
const MAX_BYTES = 2 ** 28;
const MAX_STRINGS = 2 ** 24;
/** A string that finds so many slots taken is not kept: somebody has made a file of strings with equal hashes. */
const MAX_PROBES = 256;

class ByteTable {
  length = 0;
  #text = new Text(new Uint8Array(2 ** 16));
  #used = 0;
  /** Where each string begins in the text; it ends where the next one begins. */
  #start = new Uint32Array(1024);
  #hash = new Int32Array(1024);
  /** String + 1 in open addressing, at most half full. */
  #slots = new Int32Array(2048);

  isFull(maxBytes: number): boolean {
    return this.#used > maxBytes || this.length >= MAX_STRINGS;
  }

  /** The index of the bytes that `text` has just scanned, −1 for none. One that was `length` before the call is new. */
  of(text: Text, start: number, end: number): number {
    const { hash } = text;
    const length = end - start;
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (let probes = 1; ; probes++) {
      const found = slots[slot]! - 1;
      if (found < 0) break;
      if (probes === MAX_PROBES) return -1;
      const at = this.#start[found]!;
      if (this.#hash[found] === hash && this.#start[found + 1]! - at === length) {
        if (this.#text.equals(at, text, start, length)) return found;
      }
      slot = (slot + 1) & mask;
    }
    slots[slot] = this.length + 1;
    return this.#add(text.bytes.subarray(start, end), hash);
  }

  /** Where the string ends in `text` when it begins at `start` and a separator follows, or `end`; −1 otherwise. */
  matchEnd(index: number, text: Text, start: number, end: number, separator: number): number {
    if (index >= this.length) return -1; // of strings that are forgotten
    const at = this.#start[index]!;
    const length = this.#start[index + 1]! - at;
    const to = start + length;
    if (to > end || (to < end && text.bytes[to] !== separator)) return -1;
    return this.#text.equals(at, text, start, length) ? to : -1;
  }

  #add(bytes: Uint8Array, hash: number): number {
    const used = this.#used + bytes.length;
    while (used > this.#text.bytes.length) this.#text = new Text(growUint8(this.#text.bytes));
    this.#text.bytes.set(bytes, this.#used);
    this.#used = used;
    const index = this.length++;
    if (this.length === this.#start.length) {
      this.#start = growUint32(this.#start);
      this.#hash = growInt32(this.#hash);
    }
    this.#hash[index] = hash;
    this.#start[this.length] = used;
    if (this.length * 2 >= this.#slots.length) this.#grow();
    return index;
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let i = 0; i < this.length; i++) {
      let slot = this.#hash[i]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = i + 1;
    }
    this.#slots = slots;
  }
}

/** What `make` finds out about byte strings, asked once for each as long as memory allows. */
export class ByteCache {
  readonly #make: (text: Text, start: number, end: number) => number;
  readonly #maxBytes: number;
  #table = new ByteTable();
  #values = new Int32Array(1024);
  /** String + 1 that came after each string the last time. */
  #successor = new Int32Array(1024);
  #last = 0;
  /** Where the string of the last {@link next} ends. */
  end = 0;

  /** @param make gives an integer of 32 bits @param maxBytes of the strings that are kept; then all are forgotten */
  constructor(make: (text: Text, start: number, end: number) => number, maxBytes = MAX_BYTES) {
    this.#make = make;
    this.#maxBytes = maxBytes;
  }

  /** Of the bytes that `text` has just scanned. */
  of(text: Text, start: number, end: number): number {
    const { length } = this.#table;
    const index = this.#table.of(text, start, end);
    if (index < 0) return this.#make(text, start, end);
    this.#last = index;
    if (index < length) return this.#values[index]!;
    const value = this.#make(text, start, end);
    if (index === this.#values.length) {
      this.#values = growInt32(this.#values);
      this.#successor = growInt32(this.#successor);
    }
    this.#values[index] = value;
    if (this.#table.isFull(this.#maxBytes)) this.#forget();
    return value;
  }

  #forget(): void {
    this.#table = new ByteTable();
    this.#successor.fill(0);
    this.#last = 0;
  }

  /**
   * Of the bytes up to the next separator or `end`. What follows upon a frame is mostly what followed the last time:
   * comparing with that is half the work of scanning.
   * @param separators the separator, four times
   */
  next(text: Text, start: number, end: number, separators: number): number {
    const previous = this.#last;
    const expected = this.#successor[previous]! - 1;
    if (expected >= 0) {
      this.end = this.#table.matchEnd(expected, text, start, end, separators & 0xff);
      if (this.end >= 0) {
        this.#last = expected;
        return this.#values[expected]!;
      }
    }
    this.end = text.scan(start, end, separators);
    const value = this.of(text, start, this.end);
    this.#successor[previous] = this.#last + 1;
    return value;
  }
}
