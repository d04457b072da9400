/** Samples of `perf script`, put together frame by frame and counted. */
import { growInt32 } from '../model/columns.ts';
import { IntMap } from '../model/int-map.ts';
import type { Profile, ValueType } from '../model/profile.ts';
import { type ProfileBuilder, SAMPLES } from './builder.ts';
import { DecodeError } from './error.ts';
import { isPerfEvent } from './perf-event.ts';
import { parsePerfFrame, parseSourceLine, perfLocations, type SourceLine } from './perf-frame.ts';

const MAX_FRAMES = 2 ** 22;
const MAX_SPECIALS = 2 ** 22;
/** Other events whose names are told. */
const MAX_NAMES = 20;
const MODIFIERS = /:[ukhGHpPSDWIeb]+$/;
const CLOCK = /^(?:cpu|task)-clock$/;

/** What a line of a sample is, when it is not one location. */
type Special = 'other' | readonly number[] | SourceLine;

/** The codes of lines that are no frame, and of one that begins the next sample. */
export const OTHER_LINE = -1;
export const EVENT_LINE = -2;

export class PerfSamples {
  readonly #builder: ProfileBuilder;
  readonly #specials: Special[] = ['other', 'other'];
  /** Location by location without a source and the special that is its source. */
  readonly #sourced = new IntMap(16);
  /** Locations of the sample, innermost first. */
  #locations = new Int32Array(256);
  #depth = 0;
  #labels = 0;
  #time = Number.NaN;
  #period = 0;
  /** Period of all samples; 0 when they differ. */
  #commonPeriod = -1;
  #hasPeriods = false;
  #count = 0;
  /** Names of events; the first is the one that is counted. */
  readonly events: string[] = [];
  #others = 0;
  #bracketed = 0;
  #strange = 0;
  #cutOff = 0;

  constructor(builder: ProfileBuilder) {
    this.#builder = builder;
  }

  /** The index of an event; only the first one that is told is counted, as different events have no sum. */
  event(name: string): number {
    const known = this.events.indexOf(name);
    return known >= 0 ? known : this.events.length < MAX_NAMES ? this.events.push(name) - 1 : MAX_NAMES;
  }

  skip(): void {
    this.#others++;
  }

  /** @param time milliseconds, NaN when not known @param period 0 when not known */
  begin(labels: number, time: number, period: number): void {
    this.#depth = 0;
    this.#labels = labels;
    this.#time = time;
    this.#period = period;
  }

  dropFrames(): void {
    this.#depth = 0;
  }

  /** What a line below the first one is: a location, or −1 − the index of a special. */
  lineCode(line: string, isJava: boolean): number {
    if (isPerfEvent(line)) return EVENT_LINE;
    const text = line.trimEnd();
    const frame = parsePerfFrame(text);
    if (frame === undefined) {
      const source = parseSourceLine(text);
      return source === undefined ? OTHER_LINE : this.#special(source);
    }
    const locations = perfLocations(frame, isJava).map(location => this.#builder.location(location));
    return locations.length === 1 ? locations[0]! : this.#special(locations);
  }

  #special(special: Special): number {
    if (this.#specials.length === MAX_SPECIALS)
      throw new DecodeError(`it holds more than ${MAX_SPECIALS} source lines.`);
    return -this.#specials.push(special);
  }

  /** Adds what a line stands for. */
  add(code: number): void {
    if (code >= 0) this.#push(code);
    else this.#addSpecial(-1 - code);
  }

  #push(location: number): void {
    if (this.#depth === this.#locations.length) {
      if (this.#depth >= MAX_FRAMES) throw new DecodeError(`it holds a stack of more than ${MAX_FRAMES} frames.`);
      this.#locations = growInt32(this.#locations);
    }
    this.#locations[this.#depth++] = location;
  }

  #addSpecial(index: number): void {
    const special = this.#specials[index]!;
    if (special === 'other') this.#strange++;
    else if ('filename' in special) this.#source(index, special);
    else {
      if (special.length === 0) this.#bracketed++;
      for (let i = special.length - 1; i >= 0; i--) this.#push(special[i]!);
    }
  }

  /** Of the frame above. */
  #source(index: number, { filename, line }: SourceLine): void {
    if (this.#depth === 0 || filename === '') return;
    const location = this.#locations[this.#depth - 1]!;
    let sourced = this.#sourced.get(location, index, 0);
    if (sourced < 0) {
      sourced = this.#builder.withSource(location, filename, line);
      this.#sourced.set(location, index, 0, sourced);
    }
    this.#locations[this.#depth - 1] = sourced;
  }

  /** Counts the sample. */
  end(): void {
    let stack = -1;
    for (let i = this.#depth - 1; i >= 0; i--) stack = this.#builder.stacks.push(stack, this.#locations[i]!);
    const row = this.#builder.row(stack, this.#labels);
    this.#count++;
    this.#builder.add(row, 0, 1);
    this.#builder.add(row, 1, this.#period || 1);
    this.#builder.timeline.add(row, this.#time);
    if (this.#period > 0) this.#hasPeriods = true;
    if (this.#commonPeriod < 0) this.#commonPeriod = this.#period;
    else if (this.#commonPeriod !== this.#period) this.#commonPeriod = 0;
  }

  /**
   * The input ends within the sample. Outer frames may be missing, so that the stack would be a wrong one.
   * @param hasEmptyLines samples are ended by them
   */
  endOfInput(hasEmptyLines: boolean): void {
    if (hasEmptyLines || this.#depth > 0) this.#cutOff++;
    else this.end();
  }

  #losses(): Record<string, number> {
    const others = this.events.slice(1).join(', ');
    const all = {
      [`samples of other events (${others})`]: this.#others,
      'samples cut off at the end of the input': this.#cutOff,
      'frames whose names begin with a bracket': this.#bracketed,
      'lines that are no frames': this.#strange,
    };
    return Object.fromEntries(Object.entries(all).filter(([, count]) => count > 0));
  }

  build(comments: readonly string[]): Profile {
    if (this.#count === 0) throw new DecodeError('it holds no samples.');
    const name = this.events[0]?.replace(MODIFIERS, '') ?? 'samples';
    const event: ValueType = CLOCK.test(name) ? { type: 'cpu', unit: 'nanoseconds' } : { type: name, unit: 'count' };
    return this.#builder.build({
      sampleTypes: this.#hasPeriods ? [SAMPLES, event] : [SAMPLES],
      periodType: event,
      period: Math.max(0, this.#commonPeriod),
      clock: 'perf',
      losses: this.#losses(),
      comments,
    });
  }
}
