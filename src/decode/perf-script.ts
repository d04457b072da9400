/**
 * The text of `perf script` (tools/perf/Documentation/perf-script.txt of Linux), with any of its fields: for each sample
 * a line that says who and when, its frames from the innermost on, and an empty line. Stacks are those of
 * stackcollapse-perf.pl (https://github.com/brendangregg/FlameGraph) with its default options.
 */
import type { Profile } from '../model/profile.ts';
import { ProfileBuilder } from './builder.ts';
import { ByteCache } from './byte-cache.ts';
import type { Chunks } from './input.ts';
import { isPerfAbove, isPerfEvent, isPerfFrame, MAX_WHO, PerfEvent, perfLabels } from './perf-event.ts';
import { EVENT_LINE, OTHER_LINE, PerfSamples } from './perf-sample.ts';
import { headText, type Reader } from './reader.ts';
import { type Block, NEWLINE, RETURN, SPACE, separators, TAB, type Text, textBlocks } from './text.ts';

const NEWLINES = separators(NEWLINE);
const HASH = 0x23;
/** In the place of labels. */
const NOBODY = -1;
const CMDLINE = /^# cmdline : (.*)$/;
const MAX_LINE = 4096;
/** What `--show-mmap-events` and the like tell between samples. */
const RECORD = /^\s*PERF_RECORD_/;
/** What is behind the time of a sample without callers, whose frame stands in the same line. */
const LONE = /^\s*(?:(\d+)\s+)?(\S+):\s+([0-9a-f]+ .*)$/;

/** Where the reader stands. A lone sample is complete, unless frames follow. */
const State = { outside: 0, sample: 1, lone: 2, skipped: 3 } as const;
type State = (typeof State)[keyof typeof State];

class PerfScriptReader {
  readonly #builder = new ProfileBuilder(2);
  readonly #samples = new PerfSamples(this.#builder);
  readonly #event = new PerfEvent();
  /** Labels × 2, and 1 for Java; or NOBODY. */
  readonly #who = new ByteCache((text, start, end) => this.#labels(text.string(start, end)));
  readonly #names = new ByteCache((text, start, end) => this.#samples.event(text.string(start, end)));
  readonly #lines = [false, true].map(isJava => {
    return new ByteCache((text, start, end) => this.#samples.lineCode(text.string(start, end), isJava));
  });
  #state: State = State.outside;
  #isJava = 0;
  #hasEmptyLines = false;
  readonly #comments: string[] = [];

  read({ text, start, end }: Block): void {
    const { bytes } = text;
    for (let at = start; at < end; ) {
      const first = bytes[at];
      const isIndented = first === TAB || first === SPACE;
      if (isIndented && this.#state === State.sample) {
        at = this.#frame(text, at, end) + 1;
        continue;
      }
      const newline = bytes.indexOf(NEWLINE, at);
      if (first === NEWLINE || first === RETURN) this.#empty();
      else if (first === HASH) this.#comment(text, at, newline);
      else if (!isIndented || this.#state !== State.skipped) this.#other(text, at, newline);
      at = newline + 1;
    }
  }

  /** The first line of a sample, or a frame where one is not expected. */
  #other(text: Text, start: number, end: number): void {
    if (this.#begin(text, start, end) || this.#state === State.skipped) return;
    // There is no first line when perf was asked for nothing but frames.
    if (this.#state === State.outside && isPerfFrame(text.string(start, Math.min(end, start + MAX_LINE)))) {
      this.#start(0, this.#builder.labels([]), Number.NaN, 0);
    }
    if (this.#state === State.lone) this.#samples.dropFrames();
    if (this.#state === State.outside) this.#samples.add(OTHER_LINE);
    else this.#frame(text, start, end);
  }

  /** Returns where the line ends, at most `end`. */
  #frame(text: Text, start: number, end: number): number {
    this.#state = State.sample;
    const lines = this.#lines[this.#isJava]!;
    const code = lines.next(text, start, end, NEWLINES);
    // Without callers the first lines are indented.
    if (code !== EVENT_LINE || !this.#begin(text, start, lines.end)) this.#samples.add(code);
    return lines.end;
  }

  /** An empty line ends a sample, one without frames too. */
  #empty(): void {
    if (this.#state === State.lone) this.#samples.dropFrames();
    if (this.#state === State.sample || this.#state === State.lone) this.#samples.end();
    this.#state = State.outside;
    this.#hasEmptyLines = true;
  }

  /** False when the line does not begin a sample. */
  #begin(text: Text, start: number, end: number): boolean {
    const event = this.#event;
    event.parse(text, start, end);
    const who = event.whoEnd - start > MAX_WHO ? NOBODY : this.#who.of(text, start, event.whoEnd);
    const hasTime = !Number.isNaN(event.time);
    const isIndented = text.bytes[start] === TAB || text.bytes[start] === SPACE;
    if (!hasTime && (isIndented || who === NOBODY)) return false;
    this.#endOpen();
    this.#isJava = who === NOBODY ? 0 : who & 1;
    const labels = who === NOBODY ? this.#builder.labels([]) : who >> 1;
    if (event.eventEnd > event.eventStart) this.#open(text, labels);
    else this.#openOther(hasTime ? text.string(event.rest, Math.min(end, event.rest + MAX_LINE)) : '', labels);
    return true;
  }

  /** A sample without an empty line behind it is one of those that perf writes without frames below. */
  #endOpen(): void {
    if (this.#state === State.lone || this.#state === State.sample) this.#samples.end();
  }

  #open(text: Text, labels: number): void {
    const { time, period, eventStart, eventEnd } = this.#event;
    text.scan(eventStart, eventEnd, NEWLINES);
    this.#start(this.#names.of(text, eventStart, eventEnd), labels, time, period);
  }

  /** The line ends with something else than the event: the sample's frame, or text of a tracepoint. */
  #openOther(rest: string, labels: number): void {
    if (RECORD.test(rest)) {
      this.#state = State.skipped;
      return;
    }
    const [, period = 0, name, frame] = LONE.exec(rest) ?? [];
    this.#start(name === undefined ? 0 : this.#samples.event(name), labels, this.#event.time, Number(period));
    if (frame === undefined || this.#state !== State.sample) return;
    this.#samples.add(this.#samples.lineCode(frame, this.#isJava === 1));
    this.#state = State.lone;
  }

  #start(event: number, labels: number, time: number, period: number): void {
    this.#state = event === 0 ? State.sample : State.skipped;
    if (event === 0) this.#samples.begin(labels, time, period);
    else this.#samples.skip();
  }

  #labels(who: string): number {
    const labels = perfLabels(who);
    if (labels === undefined) return NOBODY;
    const isJava = labels.some(({ key, value }) => key === 'comm' && String(value).startsWith('java'));
    return this.#builder.labels(labels) * 2 + Number(isJava);
  }

  #comment(text: Text, start: number, end: number): void {
    const command = CMDLINE.exec(text.string(start, Math.min(end, start + MAX_LINE)).trimEnd())?.[1];
    if (command !== undefined && this.#comments.length === 0) this.#comments.push(command);
  }

  done(): Profile {
    if (this.#state === State.lone) this.#samples.end();
    if (this.#state === State.sample) this.#samples.endOfInput(this.#hasEmptyLines);
    return this.#samples.build(this.#comments);
  }
}

/** A sample's first line among the first lines. */
function detect(head: Uint8Array): boolean {
  const lines = headText(head.subarray(0, 2 ** 14)).split('\n', 200);
  if (lines[0]!.startsWith('# ========')) return true;
  return lines.some((line, i) => isPerfEvent(line) || (isPerfFrame(line) && isPerfAbove(lines[i - 1] ?? '')));
}

async function read(chunks: Chunks): Promise<Profile> {
  const reader = new PerfScriptReader();
  for await (const block of textBlocks(chunks)) reader.read(block);
  return reader.done();
}

export const perfScript: Reader = {
  name: 'perf script',
  description: 'text of perf script',
  detect,
  read,
};
