import type { Difference } from '../diff/difference.ts';
import type { DiffEncodeOptions } from '../diff/format.ts';
import type { Verdict } from './verdict.ts';

export interface GateEncodeOptions extends DiffEncodeOptions {
  /** What is inconclusive fails. */
  readonly strict: boolean;
  /** Names of the other files that are written. */
  readonly files: readonly string[];
  /** What stands before those names in links: a URL, or '' for files beside the report. */
  readonly linkBase: string;
}

/** A way to show what the gate found. */
export interface GateFormat {
  readonly name: string;
  readonly description: string;
  /** Endings of file names that mean this format. */
  readonly extensions: readonly string[];
  /** The text of the file, in pieces. */
  encode(verdict: Verdict, difference: Difference, options: GateEncodeOptions): Iterable<string>;
}
