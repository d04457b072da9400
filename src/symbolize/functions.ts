/** The strings, functions and lines of a profile while they are collected. */

import type { FunctionColumns, LineColumns } from '../model/profile.ts';

/** A column of integers that grows. */
class Column {
  length = 0;
  #values = new Uint32Array(256);

  at(index: number): number {
    return this.#values[index]!;
  }

  set(index: number, value: number): void {
    this.#values[index] = value;
  }

  push(value: number): number {
    if (this.length === this.#values.length) {
      const larger = new Uint32Array(this.length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.length] = value;
    return this.length++;
  }

  done(): Uint32Array {
    return this.#values.slice(0, this.length);
  }
}

/** Every string, and every function by linker's name and file, once. */
export class FunctionBuilder {
  readonly #strings = [''];
  readonly #indexOf = new Map<string, number>();
  /** Of each string: the first function of this linker's name, plus one. */
  readonly #ofName = new Column();
  /** The others of the same name, which are in other files. */
  readonly #others = new Map<number, number>();
  readonly #name = new Column();
  readonly #systemName = new Column();
  readonly #filename = new Column();
  readonly #function = new Column();
  readonly #line = new Column();

  constructor() {
    this.#ofName.push(0);
  }

  /** How many lines there are. */
  get lines(): number {
    return this.#line.length;
  }

  /** The function of this linker's name and source file ('' when unknown). */
  functionOf(name: string, systemName: string, filename: string): number {
    const system = this.#intern(systemName);
    const file = this.#intern(filename);
    const first = this.#ofName.at(system) - 1;
    if (first >= 0 && this.#filename.at(first) === file) return first;
    const key = file * 2 ** 26 + system;
    const known = first < 0 ? undefined : this.#others.get(key);
    if (known !== undefined) return known;
    const added = this.#name.push(name === systemName ? system : this.#intern(name));
    this.#systemName.push(system);
    this.#filename.push(file);
    if (first < 0) this.#ofName.set(system, added + 1);
    else this.#others.set(key, added);
    return added;
  }

  /** `line` counts from 1, 0 when unknown. */
  addLine(functionIndex: number, line: number): void {
    this.#function.push(functionIndex);
    this.#line.push(line);
  }

  done(): { strings: string[]; functions: FunctionColumns; lines: LineColumns } {
    const functions = {
      length: this.#name.length,
      name: this.#name.done(),
      systemName: this.#systemName.done(),
      filename: this.#filename.done(),
    };
    const lines = { length: this.#line.length, function: this.#function.done(), line: this.#line.done() };
    return { strings: this.#strings, functions, lines };
  }

  #intern(text: string): number {
    if (text === '') return 0;
    let index = this.#indexOf.get(text);
    if (index === undefined) {
      index = this.#ofName.push(0);
      this.#strings.push(text);
      this.#indexOf.set(text, index);
    }
    return index;
  }
}
