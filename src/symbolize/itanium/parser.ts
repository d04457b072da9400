/** The state of reading one name (Itanium C++ ABI, 5.1: Mangling), and the parts that have no structure. */
import { failure, outOfProportion, type Value } from './values.ts';

/** How the text is to look. */
export interface Style {
  /** With what template functions return, and names of lambdas, unnamed types and clones as LLVM writes them. */
  readonly llvm: boolean;
}

/** Calls within calls: names nest as deep as their author likes. */
const maxDepth = 192;
/** Of all parts together, in characters. */
const maxSpent = 2 ** 22;
/** No name has as many parts. */
const maxIndex = 2 ** 20;

export class Parser {
  readonly text: string;
  at = 0;
  /** What S_, S0_, … refer to, and what constructors of each of them are called. */
  readonly substitutions: Value[] = [];
  readonly baseNames: string[] = [];
  /** What T_, T0_, … refer to: the arguments of each level of templates. */
  templates: Value[][] = [];
  /** Whether T_ may refer to arguments that are still to come. */
  mayRefer = false;
  /** Whether an I after a type begins its template arguments. */
  takesArguments = true;
  /** The level of template parameters that belong to the lambda whose parameters are read; −1 for none. */
  lambdaLevel = -1;
  readonly style: Style;
  #depth = 0;
  #spent = 0;

  constructor(text: string, style: Style) {
    this.text = text;
    this.style = style;
  }

  get isAtEnd(): boolean {
    return this.at >= this.text.length;
  }

  /** '' at the end. */
  peek(ahead = 0): string {
    return this.text[this.at + ahead] ?? '';
  }

  take(text: string): boolean {
    // Most questions end at the first character.
    if (this.text.charCodeAt(this.at) !== text.charCodeAt(0)) return false;
    if (text.length > 1 && !this.text.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  need(text: string): void {
    if (!this.take(text)) throw failure;
  }

  /** Begins a part of the grammar that contains itself; leave() ends it. */
  enter(): void {
    if (++this.#depth > maxDepth) throw failure;
  }

  leave(): void {
    this.#depth--;
  }

  /** Digits, '' for none. */
  digits(): string {
    const start = this.at;
    while (digitOf(this.text.charCodeAt(this.at)) < 10) this.at++;
    return this.text.slice(start, this.at);
  }

  /** `n` for minus, then digits. '' for neither. */
  number(): string {
    const minus = this.take('n') ? '-' : '';
    return minus + this.digits();
  }

  /** The index that `_`, `0_`, `1_` … stand for: 0, 1, 2 … Base 10 or, of substitutions, 36. */
  index(base: 10 | 36): number {
    if (this.take('_')) return 0;
    let value = 0;
    do {
      const digit = digitOf(this.text.charCodeAt(this.at++));
      if (digit >= base || value > maxIndex) throw failure;
      value = value * base + digit;
    } while (!this.take('_'));
    return value + 1;
  }

  /** A length and so many characters. */
  sourceText(): string {
    let length = 0;
    for (let digit = 0; digit < 10 && length <= this.text.length; ) {
      length = length * 10 + digit;
      digit = digitOf(this.text.charCodeAt(this.at));
      if (digit < 10) this.at++;
    }
    if (length === 0 || this.at + length > this.text.length) throw failure;
    this.at += length;
    return this.text.slice(this.at - length, this.at);
  }

  sourceName(): string {
    const text = this.sourceText();
    return text.startsWith('_GLOBAL__N') ? '(anonymous namespace)' : text;
  }

  /** Adds to what S…_ can refer to. */
  remember(value: Value, baseName = ''): Value {
    const length = typeof value === 'string' ? value.length : value.reduce((sum, text) => sum + text.length, 0);
    this.#spent += length;
    if (this.#spent > maxSpent) throw outOfProportion;
    this.substitutions.push(value);
    this.baseNames.push(baseName);
    return value;
  }
}

/** The value of 0 … 9, A … Z; more than any base for others. */
function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  return code >= 0x41 && code <= 0x5a ? code - 0x37 : Number.POSITIVE_INFINITY;
}

export function isDigit(character: string): boolean {
  return character >= '0' && character <= '9';
}
