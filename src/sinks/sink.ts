/** What a backend is to the agent: something that takes encoded profiles, one file each in this folder. */

import type { ZodType } from 'zod';
import type { ValueType } from '../model/profile.ts';

/** One encoded profile: what one series sampled in one window, or a part of that when a backend's limits ask for it. */
export interface Upload {
  /** UUID; the same at every attempt, so that a backend can tell a repetition. */
  readonly id: string;
  /** Name of the series without its labels, in Prometheus' form: `process_cpu`, `offcpu`, … */
  readonly name: string;
  /** Label names match `[a-zA-Z_][a-zA-Z0-9_]*`; `service_name` is always there. */
  readonly labels: Readonly<Record<string, string>>;
  /** Wall-clock start, milliseconds since the epoch. */
  readonly startMs: number;
  readonly durationMs: number;
  readonly sampleTypes: readonly ValueType[];
  readonly periodType: ValueType;
  /** In units of periodType. */
  readonly period: number;
  /** Samples of the pprof (rows, not their sum). */
  readonly samples: number;
  /** Bytes of the pprof before compression. */
  readonly rawBytes: number;
  /** pprof, gzipped. */
  readonly pprof: Uint8Array;
}

/** What is known of a failed delivery. The message never holds a secret. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError';
  /** `retry`: it may work later. `rejected`: these profiles will never be taken. */
  readonly kind: 'retry' | 'rejected';
  /** What the backend asks for, milliseconds from now. */
  readonly retryAfterMs: number | undefined;

  constructor(
    kind: 'retry' | 'rejected',
    message: string,
    options: { retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.kind = kind;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** What one profile, and one request, may hold. Infinity where the backend has no limit. */
export interface SinkLimits {
  /** Samples (rows) and bytes before compression of one profile. */
  readonly samples: number;
  readonly bytes: number;
  /** Profiles, and compressed bytes, of one send(). */
  readonly batch: number;
  readonly batchBytes: number;
}

export interface Sink {
  readonly limits: SinkLimits;
  /**
   * Delivers profiles of one window. Calls `accepted` for each as soon as the backend has taken it, also when others of
   * them fail: what was accepted is never sent again.
   * @throws DeliveryError for everything that the backend or the network does
   */
  send(uploads: readonly Upload[], signal: AbortSignal, accepted?: (upload: Upload) => void): Promise<void>;
  close(): void;
}

/** One kind of backend. `Options` is what its part of the configuration says, checked and with defaults filled in. */
export interface SinkType<Options extends { readonly type: string }> {
  /** `type` in the configuration. */
  readonly type: Options['type'];
  /** The part of the configuration's schema; secrets are named by file or environment variable, never written there. */
  readonly options: ZodType<Options>;
  open(options: Options): Promise<Sink> | Sink;
}
