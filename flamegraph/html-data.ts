/** What the HTML flame graph is made from: a flame graph's columns, and what only a page can show. */

import type { FlameColor } from './coloring.ts';
import type { FlameData } from './data.ts';
import type { FlameSide } from './layout.ts';

/** One kind of value that the samples have, in pprof's terms: `cpu`/`nanoseconds`, `samples`/`count`. */
export interface HtmlSampleType {
  readonly type: string;
  readonly unit: string;
  /** One for each sample; finite and not negative, in `unit`. */
  readonly value: Float64Array;
  /** For a difference: the same of the base; `value` is then that of the head. */
  readonly base?: Float64Array | undefined;
}

/** Which thread or process a sample is of. */
export interface HtmlThreads {
  /** Any text at all. */
  readonly names: readonly string[];
  /** One for each sample: index into names. */
  readonly of: Uint32Array;
}

/** When the samples were taken: an entry for each time that a row of the samples was hit, in order of time. */
export interface HtmlTimeline {
  readonly length: number;
  /** Index into samples. */
  readonly sample: Uint32Array;
  /** Milliseconds since the start, not negative. */
  readonly time: Float64Array;
}

/** {@link FlameData} is enough for a page; each of the others adds a part to it. */
export interface HtmlData extends FlameData {
  /** In place of `samples.value` and `samples.base`; the last is shown first. */
  readonly sampleTypes?: readonly HtmlSampleType[] | undefined;
  readonly threads?: HtmlThreads | undefined;
  readonly timeline?: HtmlTimeline | undefined;
  /** The profile as a gzipped pprof message, which the page offers for download. */
  readonly pprof?: Uint8Array | undefined;
}

/** What a page says about the recording, beside the picture. */
export interface HtmlOptions {
  /** Heading, default `Flame graph`. */
  readonly title?: string | undefined;
  /** What was recorded: command, event, duration; and what to know to trust the picture. Name and text. */
  readonly facts?: readonly (readonly [name: string, text: string])[] | undefined;
  /** Unit of the values where the data names no sample types: `nanoseconds`, `bytes`, `count` (default), … */
  readonly unit?: string | undefined;
  /** Roots on top at first. */
  readonly inverted?: boolean | undefined;
  /** `auto` (default): as the reader prefers. */
  readonly theme?: 'light' | 'dark' | 'auto' | undefined;
  /** What colours say at first; default `kind`, in a difference `change`. */
  readonly color?: FlameColor | undefined;
  /** Colours for people who cannot tell some hues apart. */
  readonly colorBlindSafe?: boolean | undefined;
  /** Differences: compare shares of the totals (default), not the values themselves. */
  readonly normalize?: boolean | undefined;
  /** Differences: whose values make the widths; `both` (default) is the sum of the two. */
  readonly side?: FlameSide | undefined;
  /** Makes gzip of the data (RFC 1952), for a page a fifth as large. */
  readonly compress?: ((bytes: Uint8Array) => Uint8Array) | undefined;
}

/** The part of a page's data that is not columns, as JSON in the page. */
export interface PageSettings {
  readonly types: readonly { readonly type: string; readonly unit: string }[];
  readonly inverted: boolean;
  readonly theme: 'light' | 'dark' | 'auto';
  readonly color: FlameColor;
  readonly safe: boolean;
  readonly normalize: boolean;
  readonly side: FlameSide;
  readonly gzip: boolean;
}
