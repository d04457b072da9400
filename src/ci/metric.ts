/** The number that a benchmark prints, found as it runs by. */
import { StringDecoder } from 'node:string_decoder';

/** What is longer is cut: a line is looked at, not kept. */
const MAX_LINE = 65_536;
const GROUPED = /^[+-]?\d{1,3}(?:[,_' ]\d{3})+(?:\.\d+)?$/;

/** `12.5`, `1e6`, `1,234,567.8`: undefined for anything else. */
export function parseNumber(text: string): number | undefined {
  const trimmed = text.trim();
  const number = Number(GROUPED.test(trimmed) ? trimmed.replaceAll(/[,_' ]/g, '') : trimmed);
  return trimmed !== '' && Number.isFinite(number) ? number : undefined;
}

/** Lines of one stream, whatever pieces they come in. */
class Lines {
  readonly #decoder = new StringDecoder('utf8');
  readonly #onLine: (line: string) => void;
  #rest = '';

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  add(chunk: Uint8Array): void {
    const lines = this.#decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)).split('\n');
    for (const [i, line] of lines.entries()) {
      this.#rest = (this.#rest + line).slice(0, MAX_LINE);
      if (i < lines.length - 1) this.end();
    }
  }

  end(): void {
    const line = this.#rest.replace(/\r$/, '');
    this.#rest = '';
    if (line !== '') this.#onLine(line);
  }
}

/** Finds the last number that matches in the lines of several streams. */
export class PrintedMetric {
  readonly #pattern: RegExp;
  readonly #streams = new Map<string, Lines>();
  #value: number | undefined;

  /** `pattern`: its first group is the number, or all of it when there is none. */
  constructor(pattern: RegExp) {
    this.#pattern = pattern;
  }

  add(stream: string, chunk: Uint8Array): void {
    let lines = this.#streams.get(stream);
    if (!lines) {
      lines = new Lines(line => this.#read(line));
      this.#streams.set(stream, lines);
    }
    lines.add(chunk);
  }

  /** The number; undefined when none was printed. */
  end(): number | undefined {
    for (const lines of this.#streams.values()) lines.end();
    return this.#value;
  }

  #read(line: string): void {
    const match = this.#pattern.exec(line);
    const number = match ? parseNumber(match[1] ?? match[0]) : undefined;
    if (number !== undefined && number >= 0) this.#value = number;
  }
}
