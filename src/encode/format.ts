import type { Profile } from '../model/profile.ts';

export interface EncodeOptions {
  /** Collapsed text: append `_[k]`, `_[j]`, `_[i]` to kernel, generated and inlined frames. */
  readonly annotate: boolean;
  /** pprof: the labels to keep, of `pid`, `tid`, `comm`, `cpu`. */
  readonly labels: readonly string[];
  /** Pictures: heading. */
  readonly title: string;
}

/** An output format. */
export interface Format {
  readonly name: string;
  readonly description: string;
  /** Endings of file names that mean this format, longest first. */
  readonly extensions: readonly string[];
  /** The bytes of the file, in pieces. */
  encode(profile: Profile, options: EncodeOptions): Iterable<Uint8Array | string>;
}
