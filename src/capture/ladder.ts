/**
 * The capability ladder: BPF, which does everything; else perf_event_open of whatever it may sample; else of own
 * processes in user mode, which ordinary users may. What follows a session does not know which one it was.
 */
import { ProfilerError } from '../errors.ts';
import type { CaptureSession, Rung, SessionOptions } from './options.ts';
import { PerfSession } from './perf-session.ts';
import { Session } from './session.ts';

/** From what can most to what needs least. */
export const RUNGS: readonly Rung[] = ['bpf', 'perf', 'perf-user'];

/** What a rung is, for people. */
export const RUNG_TEXT: Readonly<Record<Rung, string>> = {
  bpf: 'BPF',
  perf: 'perf_event_open',
  'perf-user': 'perf_event_open, own processes in user mode',
};

const OPEN: Readonly<Record<Rung, (options: SessionOptions) => CaptureSession>> = {
  bpf: options => new Session(options),
  perf: options => new PerfSession(options, true),
  'perf-user': options => new PerfSession(options, false),
};

/** What another rung may not need. */
const REFUSALS = ['not-permitted', 'kernel-refused', 'no-btf', 'no-bpf-object'];

export interface OpenedSession {
  readonly session: CaptureSession;
  /** Why the rungs above were not taken; '' when there was none. */
  readonly refusal: string;
}

/**
 * Opens the first session that is allowed, or the one that is asked for. Throws the ProfilerError of the last rung; of
 * the first one where no task is named, which is all that the others could do more easily.
 */
export function openSession(options: SessionOptions, rung: Rung | 'auto'): OpenedSession {
  const { pids, tids } = options.targets;
  const refusals: ProfilerError[] = [];
  for (const tried of rung === 'auto' ? RUNGS : [rung]) {
    try {
      return { session: OPEN[tried](options), refusal: refusals[0]?.message ?? '' };
    } catch (error) {
      if (!(error instanceof ProfilerError) || !REFUSALS.includes(error.code)) throw error;
      refusals.push(error);
    }
  }
  throw pids.length + tids.length > 0 ? refusals.at(-1)! : refusals[0]!;
}
