/** The line that begins a sample of `perf script`: `comm pid/tid [cpu] seconds.micros: period event: …`. */
import type { Label } from '../model/profile.ts';
import { NEWLINE, RETURN, SPACE, separators, TAB, type Text } from './text.ts';

const NEWLINES = separators(NEWLINE);
const [DOT, COLON, ZERO, NINE] = [0x2e, 0x3a, 0x30, 0x39];
/** Digits that make an exact number. */
const MAX_DIGITS = 15;
/** Who was sampled, in bytes: a longer text is none. */
export const MAX_WHO = 512;

function isSpace(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB || byte === RETURN;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}

/** One line at a time, without an object for it. */
export class PerfEvent {
  /** Where the part before the time ends, or the line: who was sampled; scanned by `text`, as a {@link ByteCache} wants it. */
  whoEnd = 0;
  /** Milliseconds, NaN when not told. */
  time = Number.NaN;
  /** 0 when not told. */
  period = 0;
  /** Where the name of the event is. Empty when something else than the event ends the line. */
  eventStart = 0;
  eventEnd = 0;
  /** Where what is behind the time begins; the end of the line when there is no time. */
  rest = 0;

  parse(text: Text, start: number, end: number): void {
    const { bytes } = text;
    while (end > start && isSpace(bytes[end - 1])) end--;
    this.#findTime(bytes, start, end);
    this.#findEvent(bytes, start, end);
    while (this.whoEnd > start && isSpace(bytes[this.whoEnd - 1])) this.whoEnd--;
    text.scan(start, this.whoEnd, NEWLINES);
  }

  /** The first word that is `digits.digits:`. */
  #findTime(bytes: Uint8Array, start: number, end: number): void {
    this.time = Number.NaN;
    this.rest = end;
    this.whoEnd = end;
    for (let colon = start; colon < end; colon++) {
      if (bytes[colon] !== COLON || (colon + 1 < end && !isSpace(bytes[colon + 1]))) continue;
      let dot = colon - 1;
      while (dot > start && isDigit(bytes[dot])) dot--;
      if (bytes[dot] !== DOT || dot === colon - 1) continue;
      let first = dot - 1;
      while (first >= start && isDigit(bytes[first])) first--;
      if (first === dot - 1 || (first >= start && !isSpace(bytes[first]))) continue;
      this.time = 1e3 * numberAt(bytes, first + 1, dot) + numberAt(bytes, dot + 1, colon) / 10 ** (colon - dot - 4);
      this.whoEnd = Math.max(first, start);
      this.rest = colon + 1;
      return;
    }
  }

  /** Behind a colon at most a number, and `event:`, as stackcollapse-perf.pl looks for it. */
  #findEvent(bytes: Uint8Array, start: number, end: number): void {
    this.period = 0;
    this.eventStart = end;
    this.eventEnd = end;
    if (bytes[end - 1] !== COLON) return;
    let at = end - 1;
    while (at > start && !isSpace(bytes[at - 1])) at--;
    const first = at;
    while (at > start && isSpace(bytes[at - 1])) at--;
    const numberEnd = at;
    while (at > start && isDigit(bytes[at - 1])) at--;
    const numberStart = at;
    while (at > start && isSpace(bytes[at - 1])) at--;
    if (at === start || bytes[at - 1] !== COLON || first === end - 1) return;
    this.period = numberAt(bytes, numberStart, numberEnd);
    this.eventStart = first;
    this.eventEnd = end - 1;
  }
}

function numberAt(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end && at < start + MAX_DIGITS; at++) value = value * 10 + bytes[at]! - ZERO;
  return value;
}

/** Who and when. Only the beginning of a line is looked at, so that none is slow. */
const EVENT = /^\s*(?:\S.*?\s)?\d+\.\d{6,9}:(?:\s|$)/;
/** Who and which event; another frame; or nothing. */
const ABOVE = /^(?:\S.*?\s\d.*:\s*|\s+[0-9a-f]+ .*|\s*)$/;
const FRAME = /^\s*[0-9a-f]{2,16} .+ \(/;
const MAX_HEAD = 256;

/** Whether a line begins a sample, of those that tell the time. */
export function isPerfEvent(line: string): boolean {
  return EVENT.test(line.slice(0, MAX_HEAD));
}

/** Whether a line can be the one above a frame. */
export function isPerfAbove(line: string): boolean {
  return ABOVE.test(line.slice(0, MAX_HEAD));
}

export function isPerfFrame(line: string): boolean {
  return FRAME.test(line.slice(0, 4 * MAX_HEAD));
}

/** perf calls a thread that is gone `:-1`, number -1. */
const WHO = /^(?:(?<comm>\S.*?) +)?(?<first>-1|\d+)(?:\/+(?<second>-1|\d+))?(?: |$)/;
const CPU = / \[(\d+)\](?: |$)/;

/**
 * The labels of who was sampled. A single number is the thread's: perf tells no more when it is not asked to. Spaces in
 * names of threads become `_`, as in the stacks of stackcollapse-perf.pl.
 * @param who at most MAX_WHO bytes
 * @returns undefined when it has no number
 */
export function perfLabels(who: string): Label[] | undefined {
  const text = who.trim().replaceAll('\t', ' ');
  const { comm, first, second } = WHO.exec(text)?.groups ?? {};
  if (first === undefined) return undefined;
  const cpu = CPU.exec(text)?.[1];
  const labels: Label[] = [];
  if (comm !== undefined) labels.push({ key: 'comm', value: comm.replaceAll(' ', '_') });
  if (second !== undefined) labels.push({ key: 'pid', value: Number(first) });
  labels.push({ key: 'tid', value: Number(second ?? first) });
  if (cpu !== undefined) labels.push({ key: 'cpu', value: String(Number(cpu)) });
  return labels;
}
