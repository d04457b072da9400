/** What was sampled in a stretch of time, before anything has a name. */
import { Aggregator, type Resolver } from './aggregate/aggregator.ts';
import type { Labeller } from './aggregate/labels.ts';
import type { EndColumns } from './aggregate/stack-ends.ts';
import { Timeline } from './aggregate/timeline.ts';
import { field64, Word } from './capture/samples.ts';
import { monotonicTime } from './capture/session.ts';
import type { Label, StackColumns, TimelineColumns } from './model/profile.ts';
import type { CodeTable, MappedCode } from './process/code.ts';
import { Locations } from './process/locations.ts';
import type { Image } from './process/table.ts';

/** Columns as in a Profile, with addresses in place of functions. Plain data: a thread can hand it to another one. */
export interface RawProfile {
  readonly addresses: {
    readonly length: number;
    /** Index into the mappings, −1 for none. */
    readonly mapping: Int32Array;
    readonly address: Float64Array;
    readonly miss: Uint8Array;
  };
  readonly stacks: StackColumns;
  readonly samples: {
    readonly length: number;
    readonly stack: Int32Array;
    readonly labels: Uint32Array;
    /** Samples, and the sums of their weights, of each. */
    readonly count: Float64Array;
    readonly weight: Float64Array;
  };
  readonly timeline: TimelineColumns | undefined;
  readonly labelSets: readonly (readonly Label[])[];
  readonly ends: EndColumns;
  readonly startTimeMs: number;
  readonly durationMs: number;
}

export interface WindowOptions {
  /** Counts the samples of these processes alone. */
  readonly accepts?: (image: Image) => boolean;
  /** Keep the time of each sample. */
  readonly times?: boolean;
}

export class Window implements Resolver {
  samples = 0;
  readonly #labeller: Labeller;
  readonly #aggregator: Aggregator;
  readonly #locations: Locations;
  readonly #started = performance.now();
  #image: Image | undefined;

  readonly #accepts: ((image: Image) => boolean) | undefined;
  readonly #timeline: Timeline | undefined;

  constructor(code: CodeTable, labeller: Labeller, { accepts, times = false }: WindowOptions = {}) {
    this.#labeller = labeller;
    this.#accepts = accepts;
    this.#timeline = times ? new Timeline(monotonicTime()) : undefined;
    this.#aggregator = new Aggregator(labeller);
    this.#locations = new Locations(code);
  }

  /** Distinct stacks until now. */
  get stacks(): number {
    return this.#aggregator.counter.length;
  }

  add(words: Uint32Array, at: number, image: Image): void {
    if (this.#accepts?.(image) === false) return;
    this.samples++;
    this.#image = image;
    const key = this.#aggregator.add(words, at, image, this);
    this.#timeline?.add(key, field64(words, at + Word.time));
  }

  kernel(low: number, high: number): number {
    return this.#locations.kernel(low, high);
  }

  user(low: number, high: number): number {
    return this.#locations.user(this.#image!, low, high);
  }

  /** What was sampled until now, and the code that its addresses lie in. Nothing may be added after that. */
  end(): { readonly raw: RawProfile; readonly mappings: readonly MappedCode[] } {
    const { counter, stacks, stack, labels, ends } = this.#aggregator;
    const { length, mapping, address, miss, mappings } = this.#locations;
    const count = counter.length;
    const durationMs = performance.now() - this.#started;
    const raw: RawProfile = {
      addresses: {
        length,
        mapping: mapping.subarray(0, length),
        address: address.subarray(0, length),
        miss: miss.subarray(0, length),
      },
      stacks: {
        length: stacks.length,
        prefix: stacks.prefix.subarray(0, stacks.length),
        location: stacks.location.subarray(0, stacks.length),
      },
      samples: {
        length: count,
        stack: stack.subarray(0, count),
        labels: labels.subarray(0, count),
        count: counter.count.subarray(0, count),
        weight: counter.weight.subarray(0, count),
      },
      timeline: this.#timeline?.columns(),
      labelSets: this.#labeller.sets,
      ends: ends.columns(count),
      startTimeMs: Date.now() - durationMs, // by the clock as it is now, if somebody set it meanwhile
      durationMs,
    };
    return { raw, mappings };
  }
}
