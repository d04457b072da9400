/** What perf_event_open refuses, as sentences with a next step. */
import { readFileSync } from 'node:fs';
import { ExitCode, ProfilerError } from '../errors.ts';
import { addonErrno, addonStep, explain } from './addon.ts';
import type { SessionOptions } from './options.ts';
import { explainEvent } from './session.ts';

/** kernel.perf_event_paranoid at which a user may sample own processes in user mode; some distributions know 3 and 4. */
const OWN_PROCESSES = 2;

function notPermitted(message: string, hint: string, cause?: unknown): ProfilerError {
  return new ProfilerError('not-permitted', message, { hint, exitCode: ExitCode.notPermitted, cause });
}

function paranoid(): number {
  try {
    return Number(readFileSync('/proc/sys/kernel/perf_event_paranoid', 'utf8'));
  } catch {
    return Number.NaN; // a kernel without perf events, or a container that hides it
  }
}

/** Throws a ProfilerError for what this rung cannot do, before anything is opened. */
export function checkSupported({ targets, userStacks, event }: SessionOptions, kernel: boolean): void {
  if (targets.cgroup) {
    throw notPermitted('a cgroup can be recorded by BPF only.', 'Run it with sudo, or see `profiler doctor`.');
  }
  if (kernel) return;
  if (targets.pids.length + targets.tids.length === 0) {
    const hint = 'Run it with sudo, or record a command or your own processes: profiler record -- CMD.';
    throw notPermitted('the whole machine can be recorded by root only.', hint);
  }
  if (!userStacks || event.excludeUser) {
    throw notPermitted('the kernel can be sampled by root only.', 'Leave out -K and :k, or run it with sudo.');
  }
}

function otherUsers(ids: readonly number[]): number | undefined {
  const own = process.getuid?.() ?? 0;
  return ids.find(id => {
    try {
      const [, uid] = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${id}/status`, 'utf8')) ?? [];
      return uid !== undefined && Number(uid) !== own;
    } catch {
      return false; // it has ended
    }
  });
}

/** A refused perf_event_open or its buffer as a sentence. */
export function explainPerf(error: unknown, { event, targets }: SessionOptions, kernel: boolean): unknown {
  const errno = addonErrno(error);
  if (errno === '') return error;
  if (addonStep(error) === 'mmap of the perf buffer') {
    const hint = 'Raise the limit: ulimit -l, or sudo sysctl kernel.perf_event_mlock_kb=2048.';
    return notPermitted('this user may lock too little memory for the buffers of perf_event_open.', hint, error);
  }
  if (errno === 'ENOSYS') return notPermitted('this kernel has no perf_event_open.', 'Use another machine.', error);
  if (errno !== 'EACCES' && errno !== 'EPERM') return explain(explainEvent(event.name, error));
  const level = paranoid();
  if (kernel)
    return notPermitted(`perf_event_open may not sample the kernel here (${errno}).`, 'Run it with sudo.', error);
  const other = otherUsers([...targets.pids, ...targets.tids]);
  if (other !== undefined) {
    return notPermitted(`process ${other} belongs to another user (${errno}).`, 'Run it with sudo.', error);
  }
  if (level > OWN_PROCESSES) {
    const hint = 'sudo sysctl kernel.perf_event_paranoid=2 allows own processes; sudo records everything.';
    return notPermitted(
      `kernel.perf_event_paranoid=${level} keeps users from sampling even their own processes.`,
      hint,
      error,
    );
  }
  const hint = 'A container’s seccomp filter does that: give it CAP_PERFMON, or a profile that allows perf_event_open.';
  return notPermitted(`perf_event_open is refused (${errno}), and BPF too.`, hint, error);
}
