/** What is asked of a server that keeps profiles. */

export interface ProfileQuery {
  /** Type and labels, `process_cpu:cpu:nanoseconds:cpu:nanoseconds{service_name="x"}`. */
  readonly selector: string;
  /** Milliseconds since the epoch; the end is not included. */
  readonly startMs: number;
  readonly endMs: number;
}

/** Sends a request; the body of the answer. Throws a ProfilerError for any other than one of success or 404. */
export type Ask = (
  path: string,
  init: { readonly body?: Uint8Array<ArrayBuffer>; readonly type?: string },
) => Promise<Uint8Array | undefined>;

export interface Backend {
  readonly name: string;
  /** All profiles of a query as one pprof, gzipped or not; undefined when there are none. */
  merge(ask: Ask, query: ProfileQuery): Promise<Uint8Array | undefined>;
}
