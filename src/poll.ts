/** The timers of a running recording. */
import type { Recording } from './pipeline.ts';

/** A process that execs can be walked when we have seen its mappings, and its tables are to be there within 50 ms. */
const FOLLOW_MS = 25;
/** After so long without any life nobody looks, until an exec wakes us, which has its mappings a moment later. */
const QUIET_MS = 1000;
const WAKE_MS = 10;
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
  let isStopped = false;
  let follower: NodeJS.Timeout | undefined;
  const followIn = (ms: number) => {
    if (!isStopped) follower ??= setTimeout(follow, ms);
  };
  let livedAt = followedCpus;
  const follow = guarded(() => {
    follower = undefined;
    const now = performance.now();
    if (recording.follow()) livedAt = now;
    // What happens between the look and the call would wake nobody: hence a second look.
    const mayWait = now - livedAt > QUIET_MS && recording.onceWoken(() => followIn(WAKE_MS));
    if (!mayWait || recording.follow()) followIn(FOLLOW_MS);
  });
  const stop = () => {
    isStopped = true;
    clearInterval(drainer);
    clearTimeout(follower);
  };
  const drainer = setInterval(drain, recording.drainMs);
  followIn(FOLLOW_MS);
  return stop;
}
