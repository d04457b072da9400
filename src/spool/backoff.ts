/** How long to wait after a failure. */

const FIRST_MS = 500;
const MAX_MS = 5 * 60_000;
const MAX_RETRY_AFTER_MS = 60 * 60_000;

/**
 * Exponential back-off with full jitter: any time up to a ceiling that doubles from 500 ms to 5 min, so that agents
 * that failed together do not come back together; but not before the backend wants it, if that is within an hour.
 *
 * @param failures failures in a row, from 1
 * @param random in [0, 1)
 * @param retryAfterMs what the backend asks for
 * @returns milliseconds
 */
export function backoffMs(failures: number, random: number, retryAfterMs = 0): number {
  const ceiling = Math.min(FIRST_MS * 2 ** (failures - 1), MAX_MS);
  // Not Math.max alone: it makes NaN of NaN.
  const asked = retryAfterMs > 0 ? Math.min(retryAfterMs, MAX_RETRY_AFTER_MS) : 0;
  return Math.max(random * ceiling, asked);
}
