import type { SvgOptions } from '../../flamegraph/index.ts';
import type { Profile } from '../model/profile.ts';

export interface EncodeOptions {
  /** Collapsed text: append `_[k]`, `_[j]`, `_[i]` to kernel, generated and inlined frames. */
  readonly annotate: boolean;
  /** pprof: the labels to keep, of `pid`, `tid`, `comm`, `cpu`. */
  readonly labels: readonly string[];
  /** Pictures: heading. */
  readonly title: string;
  /** Pictures: how they are drawn. What they say of the recording comes from the profile. */
  readonly svg?: Partial<SvgOptions> | undefined;
  /** Tables: `flat` (default): by the values of the functions themselves; `cum`: with what they called. */
  readonly topSort?: TopSort | undefined;
}

export type TopSort = 'flat' | 'cum';

/** An output format. */
export interface Format {
  readonly name: string;
  readonly description: string;
  /** Endings of file names that mean this format, longest first. */
  readonly extensions: readonly string[];
  /** The bytes of the file, in pieces. */
  encode(profile: Profile, options: EncodeOptions): Iterable<Uint8Array | string>;
}
