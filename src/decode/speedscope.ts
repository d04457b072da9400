/**
 * speedscope's files (https://www.speedscope.app/file-format-schema.json): profiles over one list of frames, each with
 * whole stacks and their weights, or with the events of entering and leaving a frame.
 */
import { FrameKind, type Profile, type ValueType } from '../model/profile.ts';
import { ProfileBuilder, SAMPLES } from './builder.ts';
import { DecodeError } from './error.ts';
import type { Chunks } from './input.ts';
import { beginsJson, type JsonObject, listOf, numberOf, objectOf, readJson, textOf } from './json.ts';
import { headText, type Reader } from './reader.ts';

const NANOSECONDS: ValueType = { type: 'wall', unit: 'nanoseconds' };
const BYTES: ValueType = { type: 'space', unit: 'bytes' };
/** Nanoseconds of each unit of time. */
const TIMES = new Map([
  ['nanoseconds', 1],
  ['microseconds', 1e3],
  ['milliseconds', 1e6],
  ['seconds', 1e9],
]);

function typeOf(unit: string): ValueType {
  if (TIMES.has(unit)) return NANOSECONDS;
  return unit === 'bytes' ? BYTES : SAMPLES;
}

class SpeedscopeReader {
  readonly #builder = new ProfileBuilder(2);
  readonly #locations: readonly number[];
  readonly #type: ValueType;
  readonly #profiles: readonly JsonObject[];
  #labels = 0;
  /** Of the profile that is being read; 0 when its values are no times. */
  #nanoseconds = 0;
  #startMs = Infinity;
  #others = 0;

  constructor(json: JsonObject) {
    this.#locations = listOf(objectOf(json.shared).frames).map(frame => this.#location(objectOf(frame)));
    this.#profiles = listOf(json.profiles).map(objectOf);
    this.#type = typeOf(textOf(this.#profiles[0]?.unit));
  }

  #location(frame: JsonObject): number {
    return this.#builder.location({
      name: textOf(frame.name),
      kind: FrameKind.native,
      filename: textOf(frame.file),
      line: numberOf(frame.line),
    });
  }

  read(): Profile {
    if (this.#profiles.length === 0) throw new DecodeError('it holds no profiles.');
    for (const profile of this.#profiles) {
      const unit = textOf(profile.unit);
      if (typeOf(unit) === this.#type) this.#profile(profile, TIMES.get(unit) ?? 0);
      else this.#others++;
    }
    const isCount = this.#type === SAMPLES;
    return this.#builder.build(
      {
        sampleTypes: isCount ? [SAMPLES] : [SAMPLES, this.#type],
        periodType: this.#type,
        losses: this.#others > 0 ? { 'profiles of another unit': this.#others } : {},
      },
      this.#startMs,
    );
  }

  #profile(profile: JsonObject, nanoseconds: number): void {
    const thread = { key: 'thread', value: textOf(profile.name) };
    this.#labels = this.#builder.labels(this.#profiles.length > 1 ? [thread] : []);
    this.#nanoseconds = nanoseconds;
    const start = numberOf(profile.startValue);
    if (nanoseconds > 0) this.#startMs = Math.min(this.#startMs, (start * nanoseconds) / 1e6);
    if (profile.type === 'evented') this.#evented(listOf(profile.events));
    else if (profile.type === 'sampled') this.#sampled(profile, start);
    else throw new DecodeError('it holds a profile that is neither of samples nor of events.');
  }

  #sampled(profile: JsonObject, start: number): void {
    const weights = listOf(profile.weights);
    let at = start;
    for (const [i, sample] of listOf(profile.samples).entries()) {
      let stack = -1;
      for (const frame of listOf(sample)) stack = this.#call(stack, frame);
      const weight = numberOf(weights[i]);
      this.#add(stack, weight, at);
      at += weight;
    }
  }

  /** What lies between two events is a sample. */
  #evented(events: readonly unknown[]): void {
    const open: { readonly frame: unknown; readonly stack: number }[] = [];
    let from = 0;
    for (const event of events.map(objectOf)) {
      const at = numberOf(event.at, from);
      const stack = open.at(-1)?.stack ?? -1;
      if (stack >= 0 && at > from) this.#add(stack, at - from, from);
      from = at;
      if (event.type === 'O') open.push({ frame: event.frame, stack: this.#call(stack, event.frame) });
      else if (open.pop()?.frame !== event.frame) throw new DecodeError('it leaves a frame that it is not in.');
    }
  }

  #call(stack: number, frame: unknown): number {
    const location = this.#locations[numberOf(frame, -1)];
    if (location === undefined) throw new DecodeError('it refers to a frame that it does not hold.');
    return this.#builder.stacks.push(stack, location);
  }

  #add(stack: number, value: number, at: number): void {
    const row = this.#builder.row(stack, this.#labels);
    const isCount = this.#type === SAMPLES;
    this.#builder.add(row, 0, isCount ? value : 1);
    if (!isCount) this.#builder.add(row, 1, value * (this.#nanoseconds || 1));
    if (this.#nanoseconds > 0) this.#builder.timeline.add(row, (at * this.#nanoseconds) / 1e6);
  }
}

function detect(head: Uint8Array): boolean {
  const text = headText(head);
  return beginsJson(text) && /"https?:\/\/www\.speedscope\.app\/|"shared"\s*:\s*\{\s*"frames"/.test(text);
}

async function read(chunks: Chunks): Promise<Profile> {
  return new SpeedscopeReader(objectOf(await readJson(chunks))).read();
}

export const speedscope: Reader = {
  name: 'speedscope',
  description: "speedscope's JSON",
  detect,
  read,
};
