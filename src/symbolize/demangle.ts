/** Readable names of C++ symbols, and by the WebAssembly of gecko-profiler-demangle those of Rust and MSVC. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { demangleItanium, outOfProportion, type Style } from './itanium/index.ts';
import { limitMemory, type Wasm, type WasmModule } from './wasm.ts';

/** The part of the module that is called: what wasm-bindgen exports for `fn demangle_any(name: &str) -> String`. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  demangle_any(pointer: number, length: number): [number, number];
  __wbindgen_malloc(size: number, align: number): number;
  __wbindgen_free(pointer: number, size: number, align: number): void;
  __wbindgen_start(): void;
}

/** Longer names stay as they are, in UTF-16 units: they are rare, and their readable form fills screens. */
export const maxMangledLength = 8192;
/** Longer readable names are given up, in bytes. */
export const maxReadableLength = 64 * 1024;
/**
 * Substitutions can refer to one another so that a name of 261 bytes stands for 200 MB of text, for which it takes
 * 700 MB of memory and 4.5 s. The 6 MB that these pages (of 64 KiB) allow are used up after about 50 ms, and what
 * follows is a trap.
 */
const maxPages = 96;
/** After so many names that were given up, a demangler lets the rest be. */
const maxFailures = 20;

/** Whether a name can be mangled at all: Itanium C++ and legacy Rust `_Z`, Rust v0 `_R`, MSVC `?`. */
function isMangled(name: string): boolean {
  if (name.length > maxMangledLength) return false;
  const first = name.charCodeAt(0);
  if (first === 0x3f) return true;
  if (first !== 0x5f) return false;
  const second = name.charCodeAt(1);
  return second === 0x5a || second === 0x52 || (second === 0x5f && name.charCodeAt(2) === 0x5a);
}

/** The last part of a legacy Rust symbol: 17, `h` and a hash. */
const rustHash = /17h[0-9a-f]{16}E/;

let compiled: WasmModule | undefined;

/** One run over many names. It costs nothing until it meets a mangled one. */
export class Demangler {
  readonly #style: Style;
  #exports: Exports | undefined;
  #memory = Buffer.alloc(0);
  #failures = 0;

  constructor(style: Style = { llvm: false }) {
    this.#style = style;
  }

  /** The readable name; the name itself when it is not mangled, cannot be read or is out of all proportion. */
  demangle(name: string): string {
    if (!isMangled(name) || this.#failures >= maxFailures) return name;
    // With a second underscore in front, as Mach-O has it.
    const mangled = name.startsWith('__Z') ? name.slice(1) : name;
    const isItanium = mangled.startsWith('_Z') && (this.#style.llvm || !rustHash.test(mangled));
    return (isItanium ? this.#itanium(mangled) : this.#other(mangled)) ?? name;
  }

  #itanium(name: string): string | undefined {
    try {
      return demangleItanium(name, this.#style);
    } catch (error) {
      if (error !== outOfProportion) throw error;
      this.#failures++;
      return undefined;
    }
  }

  #other(name: string): string | undefined {
    try {
      const readable = this.#call(name);
      // What it cannot read it returns, less an underscore.
      return name.endsWith(readable) ? undefined : readable;
    } catch {
      // A trap: out of memory, or a panic of the demangler. The instance is in no state to be used again.
      this.#exports = undefined;
      this.#failures++;
      return undefined;
    }
  }

  #call(name: string): string {
    this.#exports ??= instantiate();
    const exports = this.#exports;
    const size = Buffer.byteLength(name);
    // The callee frees the argument.
    const pointer = exports.__wbindgen_malloc(size, 1) >>> 0;
    this.#view(exports).write(name, pointer);
    const [at, length] = exports.demangle_any(pointer, size);
    const start = at >>> 0;
    if (length > maxReadableLength) throw new RangeError('the readable name is too long');
    const readable = this.#view(exports).toString('utf8', start, start + length);
    exports.__wbindgen_free(start, length, 1);
    return readable;
  }

  /** The module's memory, which moves when it grows. */
  #view(exports: Exports): Buffer {
    if (this.#memory.buffer !== exports.memory.buffer) this.#memory = Buffer.from(exports.memory.buffer);
    return this.#memory;
  }
}

const wasm = (globalThis as unknown as { WebAssembly: Wasm }).WebAssembly;

/** Node 20 cannot import WebAssembly as a module, as the package's own entry does; so the file is found and loaded. */
function instantiate(): Exports {
  if (compiled === undefined) {
    const path = createRequire(import.meta.url).resolve('gecko-profiler-demangle/index_bg.wasm');
    compiled = new wasm.Module(limitMemory(readFileSync(path), maxPages));
  }
  // The one import fills a table of JavaScript values, of which demangling passes none.
  const imports = { './index_bg.js': { __wbindgen_init_externref_table: () => undefined } };
  const exports = new wasm.Instance(compiled, imports).exports as Exports;
  exports.__wbindgen_start();
  return exports;
}
