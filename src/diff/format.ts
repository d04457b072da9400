import type { Difference } from './difference.ts';

export interface DiffEncodeOptions {
  readonly title: string;
  /** Compare the values as they are; else shares of each side's total. */
  readonly absolute: boolean;
  /** Pictures: whose values are the widths; `both` adds them up, so that nothing is without one. */
  readonly side: 'head' | 'base' | 'both';
  /** Leave out functions with a smaller share on both sides; of pictures, narrower frames. */
  readonly minPercent: number;
  /** Text: escape sequences for a terminal. */
  readonly colours: boolean;
  /** JSON: what else is known, under keys of its own. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** A way to show a difference. */
export interface DiffFormat {
  readonly name: string;
  readonly description: string;
  /** Endings of file names that mean this format. */
  readonly extensions: readonly string[];
  /** The bytes of the file, in pieces. */
  encode(difference: Difference, options: DiffEncodeOptions): Iterable<Uint8Array | string>;
}
