/** Where the way to a function's caller changes, and how it goes from there on: the result of reading unwind tables. */

import { Heap, RuleKind } from '../capture/records.gen.ts';
import { Unsupported, UnsupportedCounts } from './cfi/unsupported.ts';

/** What became of a file's unwind tables. */
export interface UnwindStatistics {
  /** FDEs that rows were made of. */
  readonly entries: number;
  /** FDEs that were left out since they are damaged or of an unknown form; a section that breaks off counts as one. */
  readonly damaged: number;
  /** FDEs of code that is not in the file: functions that the linker has thrown away. */
  readonly discarded: number;
  /** How many rows are UNSUPPORTED (before neighbours are merged), by reason in plain words. */
  readonly unsupported: ReadonlyMap<string, number>;
  /** Whether a limit has cut something. */
  readonly cut: boolean;
}

/** Where unwinding changes in a file: sorted rows with deduplicated rules. */
export interface UnwindRows {
  /** Number of rows. */
  readonly length: number;
  /** ELF virtual address that `offset` counts from. */
  readonly base: number;
  /** Of each row's first instruction, bytes from `base`; strictly ascending. The array may be longer than `length`. */
  readonly offset: Uint32Array;
  /** Index into rules; as long as `offset`. Rule 0 is always RuleKind NONE (a gap), rule 1 always UNSUPPORTED. */
  readonly rule: Uint16Array;
  /** Two words each: struct profiler_unwind_rule (bpf/records.h), little-endian. Exactly as long as its rules. */
  readonly rules: Uint32Array;
  readonly statistics: UnwindStatistics;
}

/** 192 MB of rows. libLLVM-14 has one million, the largest programs known about 20 times as many. */
const maxRows = 32 * 2 ** 20;
/** No more is believed before it is seen. */
const maxExpected = 2 ** 20;
const gapRule = 0;
const unsupportedRule = 1;
/** Slots of the rules' hash table: twice as many as there can be rules. */
const slots = 2 * Heap.PROFILER_MAX_RULES;

/** Rows in the making. They are added in ascending order. */
export class RowBuilder {
  length = 0;
  /** No row is taken any more. */
  full = false;
  readonly #unsupported = new UnsupportedCounts();
  #cut = false;
  #offset: Uint32Array;
  #rule: Uint16Array;
  #rules = new Int32Array(512);
  #ruleCount = 2;
  /** Rule by hash of its words, open addressing; 0 is free, since the rules 0 and 1 are never looked for. */
  readonly #slots = new Uint16Array(slots);
  #lastRule = gapRule;
  readonly #maxRows: number;

  /** `expected`: how many there will be, at a guess. */
  constructor(expected: number, limit = maxRows) {
    const capacity = Math.max(64, Math.min(expected, maxExpected));
    this.#offset = new Uint32Array(capacity);
    this.#rule = new Uint16Array(capacity);
    this.#rules[2 * gapRule] = RuleKind.PROFILER_RULE_NONE;
    this.#rules[2 * unsupportedRule] = RuleKind.PROFILER_RULE_UNSUPPORTED;
    this.#maxRows = limit;
  }

  /** From `offset` on the rule with these two words holds. */
  add(offset: number, low: number, high: number): void {
    const last = 2 * this.#lastRule;
    if (this.#rules[last] !== low || this.#rules[last + 1] !== high) this.#lastRule = this.#intern(low, high);
    this.#append(offset, this.#lastRule);
  }

  /** From `offset` on nothing is known. */
  addGap(offset: number): void {
    this.#append(offset, gapRule);
  }

  /** From `offset` on there is no way to say it as a rule. */
  addUnsupported(offset: number, reason: number): void {
    this.#unsupported.add(reason);
    this.#append(offset, unsupportedRule);
  }

  /** Takes the rows from the given one on back. */
  cutTo(length: number): void {
    this.length = Math.min(length, this.length);
  }

  finish(base: number, { cut, ...counts }: Omit<UnwindStatistics, 'unsupported'>): UnwindRows {
    return {
      length: this.length,
      base,
      offset: this.#offset,
      rule: this.#rule,
      rules: Uint32Array.from(this.#rules.subarray(0, 2 * this.#ruleCount)),
      statistics: { ...counts, unsupported: this.#unsupported.inWords(), cut: cut || this.#cut || this.full },
    };
  }

  #append(offset: number, rule: number): void {
    const at = this.length;
    if (at > 0 && this.#rule[at - 1] === rule) return;
    // The last row that fits is kept for the gap after all others.
    if (at >= this.#maxRows - (rule === gapRule ? 0 : 1)) {
      this.full = true;
      return;
    }
    if (at === this.#offset.length) this.#grow();
    this.#offset[at] = offset;
    this.#rule[at] = rule;
    this.length = at + 1;
  }

  #intern(low: number, high: number): number {
    const hash = Math.imul(low, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b);
    let slot = (hash ^ (hash >>> 15)) & (slots - 1);
    for (let rule = this.#slots[slot]!; rule !== 0; rule = this.#slots[slot]!) {
      if (this.#rules[2 * rule] === low && this.#rules[2 * rule + 1] === high) return rule;
      slot = (slot + 1) & (slots - 1);
    }
    if (this.#ruleCount === Heap.PROFILER_MAX_RULES) return this.#tooManyRules();
    const rule = this.#ruleCount++;
    if (2 * rule === this.#rules.length) {
      const longer = new Int32Array(4 * rule);
      longer.set(this.#rules);
      this.#rules = longer;
    }
    this.#rules[2 * rule] = low;
    this.#rules[2 * rule + 1] = high;
    this.#slots[slot] = rule;
    return rule;
  }

  #tooManyRules(): number {
    this.#cut = true;
    this.#unsupported.add(Unsupported.tooManyRules);
    return unsupportedRule;
  }

  #grow(): void {
    const capacity = Math.min(this.#maxRows, 2 * this.#offset.length);
    const offset = new Uint32Array(capacity);
    const rule = new Uint16Array(capacity);
    offset.set(this.#offset);
    rule.set(this.#rule);
    this.#offset = offset;
    this.#rule = rule;
  }
}
