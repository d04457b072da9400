/**
 * Counts samples by their raw words: hash the whole key, compare it in full, and only for a key that was never seen ask
 * what its addresses mean. A sample that repeats costs a hash and a comparison, and allocates nothing.
 */
import { growFloat64, growInt32, growUint32 } from '../model/columns.ts';

/** Words of one chunk of stored keys: 1 MiB. Chunks are not copied when the store grows. */
const CHUNK = 1 << 18;

export class StackCounter {
  /** Number of distinct keys; they are numbered in the order of their first appearance. */
  length = 0;
  /** Samples with each key, and the sum of their weights. */
  count = new Float64Array(1024);
  weight = new Float64Array(1024);

  readonly #chunks: Uint32Array[] = [new Uint32Array(CHUNK)];
  #used = 0;
  /** Of each key: where its words are (chunk × CHUNK + offset), how many, and their hash. */
  #position = new Float64Array(1024);
  #words = new Int32Array(1024);
  #hash = new Uint32Array(1024);
  /** Key + 1 in open addressing, at most half full. */
  #slots = new Int32Array(4096);

  /**
   * Counts `weight` for the key `words[at … at + length)`, fewer than 2^18 words. Returns its number; a number that was
   * `length` before the call is new.
   */
  add(words: Uint32Array, at: number, length: number, weight: number): number {
    const hash = hashWords(words, at, length);
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const key = this.#slots[slot]! - 1;
      if (key < 0) {
        this.#slots[slot] = this.length + 1;
        return this.#insert(words, at, length, weight, hash);
      }
      if (this.#hash[key] === hash && this.#equals(key, words, at, length)) {
        this.count[key]! += 1;
        this.weight[key]! += weight;
        return key;
      }
    }
  }

  #equals(key: number, words: Uint32Array, at: number, length: number): boolean {
    if (this.#words[key] !== length) return false;
    const position = this.#position[key]!;
    const chunk = this.#chunks[Math.floor(position / CHUNK)]!;
    const offset = position % CHUNK;
    for (let i = 0; i < length; i++) if (chunk[offset + i] !== words[at + i]) return false;
    return true;
  }

  #insert(words: Uint32Array, at: number, length: number, weight: number, hash: number): number {
    if (this.length === this.count.length) this.#growColumns();
    if (this.#used + length > CHUNK) {
      this.#chunks.push(new Uint32Array(CHUNK));
      this.#used = 0;
    }
    const chunk = this.#chunks.length - 1;
    const key = this.length++;
    this.#chunks[chunk]!.set(words.subarray(at, at + length), this.#used);
    this.#position[key] = chunk * CHUNK + this.#used;
    this.#words[key] = length;
    this.#hash[key] = hash;
    this.#used += length;
    this.count[key] = 1;
    this.weight[key] = weight;
    if (this.length * 2 > this.#slots.length) this.#growSlots();
    return key;
  }

  #growColumns(): void {
    this.count = growFloat64(this.count);
    this.weight = growFloat64(this.weight);
    this.#position = growFloat64(this.#position);
    this.#words = growInt32(this.#words);
    this.#hash = growUint32(this.#hash);
  }

  #growSlots(): void {
    this.#slots = new Int32Array(this.#slots.length * 4);
    const mask = this.#slots.length - 1;
    for (let key = 0; key < this.length; key++) {
      let slot = this.#hash[key]! & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = key + 1;
    }
  }
}

/** A multiply-and-rotate hash, two words a round; finished as in MurmurHash3 (Austin Appleby, public domain). */
function hashWords(words: Uint32Array, at: number, length: number): number {
  let a = length;
  let b = 0x9e3779b9;
  const end = at + length - 1;
  let i = at;
  for (; i < end; i += 2) {
    a = Math.imul(a ^ words[i]!, 0x85ebca6b);
    b = Math.imul(b ^ words[i + 1]!, 0xc2b2ae35) + a;
    a = (a << 13) | (a >>> 19);
  }
  if (i === end) a = Math.imul(a ^ words[i]!, 0x85ebca6b);
  a ^= b ^ (b >>> 16);
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b);
  a = Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  return (a ^ (a >>> 16)) >>> 0;
}
