/** Writes jitdumps (Linux, tools/perf/Documentation/jitdump-specification.txt). */

export interface DumpOptions {
  readonly magic?: number;
  readonly headerSize?: number;
}

export class JitdumpWriter {
  #bytes: Buffer;
  #index = 0n;

  constructor({ magic = 0x4a695444, headerSize = 40 }: DumpOptions = {}) {
    this.#bytes = Buffer.alloc(headerSize);
    // magic, version, total_size, elf_mach, pad1, pid, timestamp, flags
    [magic, 1, headerSize, 62, 0, 1234].forEach((value, i) => {
      this.#bytes.writeUInt32LE(value, 4 * i);
    });
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  record(id: number, body: Buffer, size = body.length + 16): this {
    const prefix = Buffer.alloc(16);
    prefix.writeUInt32LE(id, 0);
    prefix.writeUInt32LE(size, 4);
    this.#bytes = Buffer.concat([this.#bytes, prefix, body]);
    return this;
  }

  load(address: number, size: number, name: string): this {
    return this.record(
      0,
      Buffer.concat([words([1234, address, address, size]), this.#next(), text(name), Buffer.alloc(size)]),
    );
  }

  move(from: number, to: number, size: number): this {
    return this.record(1, Buffer.concat([words([1234, to, from, to, size]), this.#next()]));
  }

  /** Lines of the code at `address` that is loaded next; a file that is undefined is the one before. */
  lines(address: number, entries: readonly (readonly [at: number, file: string | undefined, line: number])[]): this {
    const rows = entries.map(([at, file, line]) => {
      const numbers = Buffer.alloc(16);
      numbers.writeBigUInt64LE(BigInt(at));
      numbers.writeUInt32LE(line, 8);
      return Buffer.concat([numbers, file === undefined ? Buffer.from([0xff, 0]) : text(file)]);
    });
    return this.record(2, Buffer.concat([words([address, entries.length]), ...rows]));
  }

  close(): this {
    return this.record(3, Buffer.alloc(0));
  }

  #next(): Buffer {
    const index = Buffer.alloc(8);
    index.writeBigUInt64LE(this.#index++);
    return index;
  }
}

function words(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length);
  values.forEach((value, i) => {
    bytes.writeBigUInt64LE(BigInt(value), 8 * i);
  });
  return bytes;
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}
