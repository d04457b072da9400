/** The timers of a running recording. */
import type { Recording } from './pipeline.ts';

/**
 * A process that execs can be walked when we have seen its mappings: within these times, the shorter one while
 * processes come and go.
 */
const FOLLOW_MS = { busy: 25, idle: 40 };
const FOLLOW_CPUS_MS = 1000;
/** The owner hears of a drain no more often. */
const TELL_MS = 250;

/** Drains a recording and follows processes and CPUs, until `stop` is called or something is thrown, which ends it too. */
export function poll(
  recording: Recording,
  { onDrain, onError }: { readonly onDrain: () => void; readonly onError: (error: unknown) => void },
): () => void {
  let followedCpus = performance.now();
  let told = followedCpus;
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
    const now = performance.now();
    if (now - followedCpus >= FOLLOW_CPUS_MS) {
      followedCpus = now;
      recording.followCpus();
    }
    if (recording.drainMs < TELL_MS && now - told < TELL_MS) return;
    told = now;
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
  const drainer = setInterval(drain, recording.drainMs);
  let follower = setTimeout(follow, wait);
  return stop;
}
