/** WebAssembly as far as it is used here; the compiler's own declarations of it come with those of browsers. */

export type WasmModule = { readonly __module: never };

export interface Wasm {
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (module: WasmModule, imports: object) => { readonly exports: unknown };
}

const memorySection = 5;

/**
 * The same module with a memory that grows to at most `pages` of 64 KiB. A module sets its own limit, in its memory
 * section (WebAssembly Core Specification, 5.5.8: a vector of limits, each 0x00 minimum, or 0x01 minimum maximum).
 * Returned as it is when it has no memory section of one memory.
 */
export function limitMemory(module: Uint8Array, pages: number): Uint8Array {
  const reader = { at: 8 };
  while (reader.at < module.length) {
    const start = reader.at;
    const id = module[reader.at++]!;
    const size = readVarint(module, reader);
    const body = reader.at;
    reader.at = body + size;
    if (id !== memorySection) continue;
    const limits = { at: body };
    if (readVarint(module, limits) !== 1) return module;
    limits.at++;
    const minimum = readVarint(module, limits);
    const section = [1, 1, ...varint(minimum), ...varint(Math.max(minimum, pages))];
    return Buffer.concat([
      module.subarray(0, start),
      Uint8Array.from([id, ...varint(section.length), ...section]),
      module.subarray(reader.at),
    ]);
  }
  return module;
}

/** Unsigned LEB128 (5.2.2). */
function readVarint(bytes: Uint8Array, reader: { at: number }): number {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = bytes[reader.at++] ?? 0;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  return value;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  bytes.push(value);
  return bytes;
}
