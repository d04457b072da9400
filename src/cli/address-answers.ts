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

export const ANSWER_FORMATS = { addr2line, json, text } as const;
export type AnswerFormat = keyof typeof ANSWER_FORMATS;

const KINDS = Object.keys(FrameKind);
const MISSES = Object.keys(Miss);

/** Whether the address of a row has a name. */
function isNamed({ named }: Answers, row: number): boolean {
  return row >= 0 && named.miss[row] === Miss.none;
}

/** As `llvm-symbolizer --output-style=GNU -f -C -i` and `addr2line -f -C -i`. */
function addr2line(answers: Answers): string {
  const { located, named } = answers;
  const { strings, functions, lines, firstLine } = named;
  const texts: string[] = [];
  let out = '';
  for (const row of located.rows) {
    if (!isNamed(answers, row)) {
      out += '??\n??:0\n';
      continue;
    }
    for (let line = firstLine[row]!; line < firstLine[row + 1]!; line++) {
      const index = lines.function[line]!;
      texts[index] ??= `${strings[functions.name[index]!]}\n${strings[functions.filename[index]!]! || '??'}:`;
      out += `${texts[index]}${lines.line[line]}\n`;
    }
  }
  return out;
}

function reason(answers: Answers, row: number): string {
  return row < 0 ? 'no address' : REASONS[answers.named.miss[row]!]!;
}

/** `0x1136 inner at inner.h:7`, and a line for each function that it was inlined into. */
function text(answers: Answers): string {
  const { addresses, located, named, isProcess } = answers;
  const { strings, functions, lines, firstLine } = named;
  let out = '';
  for (const [i, row] of located.rows.entries()) {
    const module = isProcess && row >= 0 ? located.mappings[located.columns.mapping[row]!]?.filename : undefined;
    const where = module === undefined ? '' : ` in ${module}`;
    const address = row < 0 ? '??' : `0x${hexAddress(addresses[i]!)}`;
    if (!isNamed(answers, row)) {
      out += `${address} ??${where} (${reason(answers, row)})\n`;
      continue;
    }
    for (let line = firstLine[row]!; line < firstLine[row + 1]!; line++) {
      const index = lines.function[line]!;
      const file = strings[functions.filename[index]!]!;
      const number = lines.line[line]!;
      const at = file === '' ? '' : ` at ${file}${number > 0 ? `:${number}` : ''}`;
      out += line === firstLine[row] ? address : ' (inlined by)';
      out += ` ${strings[functions.name[index]!]}${at}${line === firstLine[row] ? where : ''}\n`;
    }
  }
  return out;
}

/** An object a line. */
function json(answers: Answers): string {
  const { addresses, located } = answers;
  let out = '';
  for (const [i, row] of located.rows.entries()) {
    const address = row < 0 ? null : `0x${hexAddress(addresses[i]!)}`;
    const answer = { address, ...place(answers, row), frames: framesOf(answers, row), ...unknown(answers, row) };
    out += `${JSON.stringify(answer)}\n`;
  }
  return out;
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
