/**
 * speedscope: https://www.speedscope.app/file-format-schema.json. A sampled profile for each thread, of the last sample
 * type; in order of time where times are known.
 */
import { growUint32 } from '../model/columns.ts';
import { baseName, type Profile } from '../model/profile.ts';
import {
  type FrameStacks,
  type Frames,
  frameFile,
  frameModule,
  frameName,
  frameStacks,
  framesOf,
  type Symbols,
  symbolsOf,
} from '../transform/frames.ts';
import type { EncodeOptions, Format } from './format.ts';
import { type Json, JsonText, jsonList, jsonText } from './json-text.ts';
import { hitsOf, type Thread, threadsOf } from './threads.ts';

/** The units that speedscope knows; `none` stands for all others. */
const UNITS = ['bytes', 'microseconds', 'milliseconds', 'nanoseconds', 'seconds'];

/** No line: speedscope would take two lines of a function for two functions. */
function frame(profile: Profile, frames: Frames, index: number): Json {
  const file = frameFile(profile, frames, index) || baseName(frameModule(profile, frames, index));
  return { name: frameName(profile, frames, index), ...(file === '' ? {} : { file }) };
}

/** Stacks of symbols as JSON, outermost first. */
class StackTexts {
  readonly #stacks: FrameStacks;
  readonly #symbols: Symbols;
  readonly #samples: Profile['samples'];
  #path = new Uint32Array(256);

  constructor(stacks: FrameStacks, symbols: Symbols, samples: Profile['samples']) {
    this.#stacks = stacks;
    this.#symbols = symbols;
    this.#samples = samples;
  }

  #of(row: number): string {
    const { prefix, frame, leaf } = this.#stacks;
    let depth = 0;
    for (let at = leaf[this.#samples.stack[row]!] ?? -1; at >= 0; at = prefix[at]!) {
      if (depth === this.#path.length) this.#path = growUint32(this.#path);
      this.#path[depth++] = this.#symbols.of[frame[at]!]!;
    }
    return this.#path.subarray(0, depth).reverse().join(',');
  }

  *all(rows: Uint32Array): Iterable<string> {
    for (const [i, row] of rows.entries()) yield `${i > 0 ? '],[' : '[['}${this.#of(row)}`;
    yield rows.length > 0 ? ']]' : '[]';
  }
}

function threadName({ name, tid }: Thread, title: string): string {
  return tid === '' ? name || title : `${name || 'thread'} (${tid})`;
}

function weightsOf(profile: Profile, hits: Float64Array, rows: Uint32Array): Float64Array {
  const value = profile.samples.values.at(-1)!;
  return Float64Array.from(rows, row => {
    if (!(value[row]! >= 0)) throw new RangeError(`speedscope takes no negative values, such as ${value[row]}.`);
    return value[row]! / hits[row]!;
  });
}

function encode(profile: Profile, { title }: EncodeOptions): Iterable<string> {
  const frames = framesOf(profile);
  const symbols = symbolsOf(profile, frames);
  const texts = new StackTexts(frameStacks(profile, frames), symbols, profile.samples);
  const hits = hitsOf(profile);
  const unit = profile.sampleTypes.at(-1)!.unit;
  const profiles = jsonList(threadsOf(profile), thread => {
    const weights = weightsOf(profile, hits, thread.rows);
    return {
      type: 'sampled',
      name: threadName(thread, title),
      unit: UNITS.includes(unit) ? unit : 'none',
      startValue: 0,
      endValue: weights.reduce((sum, weight) => sum + weight, 0),
      samples: new JsonText(texts.all(thread.rows)),
      weights,
    };
  });
  return jsonText({
    $schema: 'https://www.speedscope.app/file-format-schema.json',
    exporter: 'ebpf-profiler',
    name: title,
    activeProfileIndex: 0,
    shared: { frames: jsonList([...symbols.frame], index => frame(profile, frames, index)) },
    profiles,
  });
}

export const speedscope: Format = {
  name: 'speedscope',
  description: 'speedscope JSON, a profile for each thread',
  extensions: ['.speedscope.json'],
  encode,
};
