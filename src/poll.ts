/** The timers of a running recording. */
import type { Recording } from './pipeline.ts';

/** The ring buffer holds two seconds: a drain that comes late loses nothing. */
const DRAIN_MS = 250;
/**
 * A process that execs can be walked when we have seen its mappings: within these times, the shorter one while
 * processes come and go.
 */
const FOLLOW_MS = { busy: 25, idle: 40 };
const FOLLOW_CPUS_EVERY = 4; // drains

/** Drains a recording and follows processes and CPUs, until `stop` is called or something is thrown, which ends it too. */
export function poll(
  recording: Recording,
  { onDrain, onError }: { readonly onDrain: () => void; readonly onError: (error: unknown) => void },
): () => void {
  let drains = 0;
  let wait = FOLLOW_MS.busy;
  const guarded = (act: () => void) => () => {
    try {
      act();
    } catch (error) {
      stop();
      onError(error);
    }
  };
  const drain = guarded(() => {
    recording.drain();
    if (++drains % FOLLOW_CPUS_EVERY === 0) recording.followCpus();
    onDrain();
  });
  const follow = guarded(() => {
    wait = recording.follow() ? FOLLOW_MS.busy : Math.min(2 * wait, FOLLOW_MS.idle);
    follower = setTimeout(follow, wait);
  });
  const stop = () => {
    clearInterval(drainer);
    clearTimeout(follower);
  };
  const drainer = setInterval(drain, DRAIN_MS);
  let follower = setTimeout(follow, wait);
  return stop;
}
