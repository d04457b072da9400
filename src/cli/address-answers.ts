/** What is said of addresses: a text for each batch, in the order of the addresses. */
import { FrameKind, hexAddress, Miss } from '../model/profile.ts';
import { REASONS } from '../model/statistics.ts';
import type { Symbolized } from '../symbolize/symbolizer.ts';
import type { LocatedAddresses } from './address-targets.ts';

/** A batch of addresses that were looked up. */
export interface Answers {
  /** NaN for a line that is no address. */
  readonly addresses: Float64Array;
  readonly located: LocatedAddresses;
  readonly named: Symbolized;
  /** Whether the answers say which file an address lies in. */
  readonly isProcess: boolean;
}

/** A batch of a hundred thousand addresses may have 300 MB of answers: they come in pieces. */
type AnswerText = Iterable<string | Uint8Array>;

export const ANSWER_FORMATS = { addr2line, json: inPieces(json), text: inPieces(text) } as const;
export type AnswerFormat = keyof typeof ANSWER_FORMATS;

const pieceSize = 2 ** 18;

const KINDS = Object.keys(FrameKind);
const MISSES = Object.keys(Miss);

/** Whether the address of a row has a name. */
function isNamed({ named }: Answers, row: number): boolean {
  return row >= 0 && named.miss[row] === Miss.none;
}

/** The texts of single addresses, some thousand at a time. */
function inPieces(answer: (answers: Answers, i: number, row: number) => string): (answers: Answers) => AnswerText {
  return function* (answers) {
    let piece = '';
    for (const [i, row] of answers.located.rows.entries()) {
      piece += answer(answers, i, row);
      if (piece.length < pieceSize) continue;
      yield piece;
      piece = '';
    }
    yield piece;
  };
}

const unknownAnswer = Buffer.from('??\n??:0\n');

/** As `llvm-symbolizer --output-style=GNU -f -C -i` and `addr2line -f -C -i`. Bytes: each name is encoded once. */
function* addr2line(answers: Answers): Generator<Uint8Array> {
  const { located, named } = answers;
  const { strings, functions, lines, firstLine } = named;
  const texts: Buffer[] = [];
  const textOf = (index: number) => {
    const file = strings[functions.filename[index]!]! || '??';
    texts[index] ??= Buffer.from(`${strings[functions.name[index]!]}\n${file}:`);
    return texts[index];
  };
  const piece = new Piece();
  for (const row of located.rows) {
    if (piece.length > pieceSize) yield piece.take();
    if (!isNamed(answers, row)) piece.add(unknownAnswer);
    else {
      for (let line = firstLine[row]!; line < firstLine[row + 1]!; line++) {
        piece.add(textOf(lines.function[line]!));
        piece.addNumber(lines.line[line]!);
      }
    }
  }
  yield piece.take();
}

/** Bytes in the making. */
class Piece {
  length = 0;
  #bytes = Buffer.allocUnsafe(2 * pieceSize);

  add(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** In decimal, and the end of the line. */
  addNumber(value: number): void {
    this.#reserve(11);
    let digits = 1;
    for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits++;
    let rest = value;
    for (let at = this.length + digits - 1; at >= this.length; at--) {
      this.#bytes[at] = 0x30 + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    this.length += digits;
    this.#bytes[this.length++] = 0x0a;
  }

  /** What there is, in memory of its own. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.length);
    this.#bytes = Buffer.allocUnsafe(2 * pieceSize);
    this.length = 0;
    return taken;
  }

  #reserve(more: number): void {
    if (this.length + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.length + more));
    larger.set(this.#bytes.subarray(0, this.length));
    this.#bytes = larger;
  }
}

function reason(answers: Answers, row: number): string {
  return row < 0 ? 'no address' : REASONS[answers.named.miss[row]!]!;
}

/** `0x1136 inner at inner.h:7`, and a line for each function that it was inlined into. */
function text(answers: Answers, i: number, row: number): string {
  const { addresses, located, named, isProcess } = answers;
  const { strings, functions, lines, firstLine } = named;
  const module = isProcess && row >= 0 ? located.mappings[located.columns.mapping[row]!]?.filename : undefined;
  const where = module === undefined ? '' : ` in ${module}`;
  const address = row < 0 ? '??' : `0x${hexAddress(addresses[i]!)}`;
  if (!isNamed(answers, row)) return `${address} ??${where} (${reason(answers, row)})\n`;
  let out = '';
  for (let line = firstLine[row]!; line < firstLine[row + 1]!; line++) {
    const index = lines.function[line]!;
    const file = strings[functions.filename[index]!]!;
    const number = lines.line[line]!;
    const at = file === '' ? '' : ` at ${file}${number > 0 ? `:${number}` : ''}`;
    out += line === firstLine[row] ? address : ' (inlined by)';
    out += ` ${strings[functions.name[index]!]}${at}${line === firstLine[row] ? where : ''}\n`;
  }
  return out;
}

/** An object a line. */
function json(answers: Answers, i: number, row: number): string {
  const address = row < 0 ? null : `0x${hexAddress(answers.addresses[i]!)}`;
  const answer = { address, ...place(answers, row), frames: framesOf(answers, row), ...unknown(answers, row) };
  return `${JSON.stringify(answer)}\n`;
}

/** Which file the address lies in, and where in it. */
function place({ located, isProcess, named }: Answers, row: number): object {
  const mapping = located.mappings[located.columns.mapping[row] ?? -1];
  if (mapping === undefined) return {};
  const kind = KINDS[named.kind[row]!];
  if (!isProcess) return { kind };
  const { filename, buildId } = mapping;
  const inModule = `0x${hexAddress(located.columns.address[row]!)}`;
  return { kind, module: filename, ...(buildId === '' ? {} : { buildId }), moduleAddress: inModule };
}

function unknown({ named }: Answers, row: number): object {
  if (row < 0) return { unknown: 'noAddress' };
  return named.miss[row] === Miss.none ? {} : { unknown: MISSES[named.miss[row]!] };
}

/** Innermost call first. */
function framesOf(answers: Answers, row: number): object[] {
  if (!isNamed(answers, row)) return [];
  const { strings, functions, lines, firstLine } = answers.named;
  const frames: object[] = [];
  for (let line = firstLine[row]!; line < firstLine[row + 1]!; line++) {
    const index = lines.function[line]!;
    const name = strings[functions.name[index]!]!;
    const systemName = strings[functions.systemName[index]!]!;
    const file = strings[functions.filename[index]!]!;
    const number = lines.line[line]!;
    frames.push({
      name,
      ...(systemName === name ? {} : { systemName }),
      ...(file === '' ? {} : { file }),
      ...(number === 0 ? {} : { line: number }),
      ...(line + 1 < firstLine[row + 1]! ? { inlined: true } : {}),
    });
  }
  return frames;
}
