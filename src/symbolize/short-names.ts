/**
 * Short names of C++ and Rust functions: without parameters, return type and template arguments.
 * `std::vector<int, std::allocator<int> >::push_back(int const&)` becomes `std::vector<>::push_back`.
 */

import { closingBracket, operatorEnd } from './brackets.ts';

/** Suffixes of functions that the compiler split or specialized; they stay. */
const clones = /(?: \[clone [^\]]*\])+$/;
/** `{virtual override thunk({offset(-16)}, name)}`: the name in the middle is made short. */
const thunk = /^(\{[\w ]+\((?:\{[^{}]*\}, )+)(.*)(\)\})$/;
/** What may stand between a parameter list and the end of the name, or the name of something inside of the function. */
const qualifiers = /(?: ?(?:const|volatile|restrict|noexcept|&&?)(?![\w]))*/y;
const anonymous = '(anonymous namespace)';

/** The short form of a readable name; the name itself when its brackets do not match. */
export function shortName(name: string): string {
  return shortened(name, 0);
}

/** Thunks and declarators hold another name; real ones nest once or twice. */
const maxDepth = 8;

function shortened(name: string, depth: number): string {
  if (depth > maxDepth) return name;
  const suffix = clones.exec(name)?.[0] ?? '';
  const body = suffix === '' ? name : name.slice(0, -suffix.length);
  const inner = thunk.exec(body);
  if (inner !== null) return inner[1]! + shortened(inner[2]!, depth + 1) + inner[3]! + suffix;
  const short = new Shortener(body, depth).shorten();
  return short === undefined || short === '' ? name : short + suffix;
}

/** Reads a name from left to right. */
class Shortener {
  readonly #text: string;
  #at = 0;
  /** The name so far. A space drops it: it was the return type, or a word like `static`. */
  #out = '';

  readonly #depth: number;

  constructor(text: string, depth: number) {
    this.#text = text;
    this.#depth = depth;
  }

  shorten(): string | undefined {
    const text = this.#text;
    while (this.#at < text.length) {
      const c = text[this.#at]!;
      if (c === '<') {
        if (!this.#angles()) return undefined;
      } else if (c === '(') {
        const goesOn = this.#parentheses();
        if (goesOn === undefined) return undefined;
        if (!goesOn) break;
      } else if (c === '{' || c === '[') {
        // {lambda(int)#1}, {{closure}}, [abi:cxx11]
        const end = closingBracket(text, this.#at);
        if (end < 0) return undefined;
        this.#take(end + 1);
      } else if (c === ' ') {
        this.#at++;
        this.#out = '';
      } else if (!this.#operator()) this.#take(this.#at + 1);
    }
    return this.#out;
  }

  #take(end: number): void {
    this.#out += this.#text.slice(this.#at, end);
    this.#at = end;
  }

  /** Template arguments go; `<T as Trait>` and `<impl Trait for T>` of Rust are part of the path and stay. */
  #angles(): boolean {
    const end = closingBracket(this.#text, this.#at);
    if (end < 0) return false;
    const isPath = this.#out === '' || this.#text.startsWith('<impl ', this.#at);
    this.#out += isPath ? `<${withoutArguments(this.#text.slice(this.#at + 1, end))}>` : '<>';
    this.#at = end + 1;
    return true;
  }

  /** Whether the name goes on behind them; undefined when they do not match. */
  #parentheses(): boolean | undefined {
    const text = this.#text;
    if (text.startsWith(anonymous, this.#at)) {
      this.#take(this.#at + anonymous.length);
      return true;
    }
    const end = closingBracket(text, this.#at);
    if (end < 0) return undefined;
    if (this.#out === 'decltype' || (this.#out === '' && text.startsWith('decltype ', this.#at - 9))) {
      this.#at = end + 1;
      return true;
    }
    if (this.#out === '') {
      // The declarator of a function that returns a pointer to a function: int (*name(int))(char).
      const declarator = text.slice(this.#at + 1, end).replace(/^(?:[\w:]+::)?[*&]+/, '');
      this.#out = shortened(declarator, this.#depth + 1);
      return false;
    }
    qualifiers.lastIndex = end + 1;
    qualifiers.test(text);
    this.#at = Math.max(end + 1, qualifiers.lastIndex);
    return text.startsWith('::', this.#at);
  }

  /** Takes `operator` and what it defines. */
  #operator(): boolean {
    const text = this.#text;
    const end = operatorEnd(text, this.#at);
    if (end < 0) return false;
    if (end > this.#at + 'operator'.length) {
      this.#take(end);
      // The space keeps the symbol apart from its template arguments: operator<< <int>
      if (text.startsWith(' <', end)) this.#take(end + 1);
      return true;
    }
    // A conversion: everything up to the parameters is a type.
    let at = end;
    while (at < text.length && (text[at] !== '(' || text.startsWith(anonymous, at))) {
      const close = text[at] === '<' || text[at] === '(' ? closingBracket(text, at) : at;
      at = close < 0 ? text.length : close + 1;
    }
    this.#out += withoutArguments(text.slice(this.#at, at));
    this.#at = at;
    return true;
  }
}

/** A type or path with the arguments of its generics elided. */
function withoutArguments(text: string): string {
  let out = '';
  let matching = true;
  for (let at = 0; at < text.length; ) {
    const opens = matching && text[at] === '<' && at > 0 && /[\w:]/.test(text[at - 1]!);
    const end = opens ? closingBracket(text, at) : -1;
    // A bracket without an end is no bracket, and neither are the others behind it.
    if (opens && end < 0) matching = false;
    out += end < 0 ? text[at]! : '<>';
    at = end < 0 ? at + 1 : end + 1;
  }
  return out;
}
