/** The timers of a running recording. */
import type { Recording } from './pipeline.ts';

/** A process that execs can be walked when we have seen its mappings: its tables are to be there within 50 ms. */
const FOLLOW_MS = 25;
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
    recording.follow();
    follower = setTimeout(follow, FOLLOW_MS);
  });
  const stop = () => {
    clearInterval(drainer);
    clearTimeout(follower);
  };
  const drainer = setInterval(drain, recording.drainMs);
  let follower = setTimeout(follow, FOLLOW_MS);
  return stop;
}
