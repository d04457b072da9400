/** For backends that take one profile a request: a batch as requests of their own. */

import { DeliveryError, type Sink, type Upload } from './sink.ts';

/** Requests at a time: enough that a distant server does not hold up a window of a hundred series. */
const PARALLEL = 4;

/** One that may work later stands for all: what is left of the batch comes again then. */
function worst(failures: readonly unknown[]): unknown {
  return failures.find(error => !(error instanceof DeliveryError) || error.kind === 'retry') ?? failures[0];
}

/** A `send` that delivers each upload by itself. */
export function separately(deliver: (upload: Upload, signal: AbortSignal) => Promise<unknown>): Sink['send'] {
  return async (uploads, signal, accepted) => {
    const waiting = [...uploads];
    const failures: unknown[] = [];
    const work = async () => {
      for (let upload = waiting.shift(); upload; upload = waiting.shift()) {
        try {
          await deliver(upload, signal);
          accepted?.(upload);
        } catch (error) {
          failures.push(error);
          // The server is in trouble or was asked too often: what is left comes later.
          if (!(error instanceof DeliveryError) || error.kind === 'retry') waiting.length = 0;
        }
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, work));
    if (failures.length > 0) throw worst(failures);
  };
}
