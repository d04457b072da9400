/** `profiler doctor`: each requirement, whether it is met, and the exact next step where it is not. */
import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { loadAddon } from '../capture/addon.ts';
import { defaultEvent } from '../capture/default-event.ts';
import { findEvent } from '../capture/events/index.ts';
import { RUNG_TEXT } from '../capture/ladder.ts';
import { PerfSession } from '../capture/perf-session.ts';
import { Session } from '../capture/session.ts';
import { ExitCode, ProfilerError } from '../errors.ts';
import { runningKernel } from '../symbolize/kernel-files.ts';
import { green, red, yellow } from './terminal.ts';

interface Finding {
  /** `bad` keeps profiler from recording; `poor` makes the result poorer. */
  readonly state: 'good' | 'poor' | 'bad';
  readonly text: string;
  readonly next?: string;
}

/** include/uapi/linux/capability.h */
const CAPABILITIES = { CAP_SYS_PTRACE: 19, CAP_SYS_ADMIN: 21, CAP_SYSLOG: 34, CAP_PERFMON: 38, CAP_BPF: 39 } as const;
const NEEDED = ['CAP_BPF', 'CAP_PERFMON', 'CAP_SYS_PTRACE', 'CAP_SYSLOG'];

function setting(name: string): number | undefined {
  try {
    return Number(readFileSync(`/proc/sys/kernel/${name}`, 'utf8'));
  } catch {
    return undefined;
  }
}

function kernel(): Finding {
  const version = release();
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 5 || (major === 5 && minor >= 8)) return { state: 'good', text: `Linux ${version}` };
  return { state: 'bad', text: `Linux ${version} has no BPF ring buffer`, next: 'Use Linux 5.8 or newer.' };
}

function btf(): Finding {
  const path = '/sys/kernel/btf/vmlinux';
  if (existsSync(path)) return { state: 'good', text: path };
  const next = 'Boot a kernel built with CONFIG_DEBUG_INFO_BTF=y (every current distribution has it).';
  return { state: 'bad', text: `${path} is missing: this kernel does not describe its types`, next };
}

/** The capabilities in effect that matter here, by name. */
function effective(): Set<string> {
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`);
  const held = new Set(
    Object.entries(CAPABILITIES).flatMap(([name, bit]) => ((mask >> BigInt(bit)) & 1n ? [name] : [])),
  );
  // What BPF and perf were allowed by before they had capabilities of their own still allows them, and nothing else.
  if (held.has('CAP_SYS_ADMIN')) held.add('CAP_BPF').add('CAP_PERFMON');
  return held;
}

function capabilities(): Finding {
  const held = effective();
  const missing = NEEDED.filter(name => !held.has(name));
  if (missing.length === 0) return { state: 'good', text: NEEDED.join(', ') };
  return {
    state: missing.includes('CAP_BPF') || missing.includes('CAP_PERFMON') ? 'bad' : 'poor',
    text: `missing: ${missing.join(', ')}`,
    next: 'Run it with sudo. CAP_BPF and CAP_PERFMON sample, CAP_SYS_PTRACE reads the files of others, CAP_SYSLOG kernel symbols.',
  };
}

function paranoid(): Finding {
  const text = `kernel.perf_event_paranoid = ${setting('perf_event_paranoid')}`;
  if (effective().has('CAP_PERFMON')) return { state: 'good', text: `${text}, which CAP_PERFMON overrides` };
  return { state: 'bad', text: `${text} binds you: CAP_PERFMON is missing`, next: 'Run it with sudo.' };
}

function kernelSymbols(): Finding {
  const [first = new Uint8Array()] = runningKernel('/proc/kallsyms');
  const line = Buffer.from(first.subarray(0, 16)).toString('latin1');
  if (!/^0{16}$/.test(line)) return { state: 'good', text: '/proc/kallsyms shows addresses' };
  const value = setting('kptr_restrict');
  const next = value === 2 ? 'sudo sysctl kernel.kptr_restrict=1' : 'Run it with sudo, or with CAP_SYSLOG.';
  return { state: 'poor', text: `kernel frames will have no names (kernel.kptr_restrict = ${value})`, next };
}

function pmu(): Finding {
  const { name } = defaultEvent();
  if (name === 'cycles') return { state: 'good', text: 'hardware counters: cycles is the default event' };
  return { state: 'good', text: 'no hardware counters here: cpu-clock is the default event' };
}

function limits(): Finding {
  const rate = setting('perf_event_max_sample_rate');
  const depth = setting('perf_event_max_stack');
  const text = `at most ${rate} Hz, stacks of at most ${depth} frames`;
  if (depth === undefined || depth >= 127) return { state: 'good', text };
  return { state: 'poor', text, next: 'sudo sysctl kernel.perf_event_max_stack=127' };
}

function addon(): Finding {
  loadAddon();
  return { state: 'good', text: 'the native addon loads' };
}

/** The only check that proves anything: sample for an instant. */
function sampling(): Finding {
  const targets = { pids: [process.pid], tids: [], inherit: false };
  const stacks = { kernelStacks: true, userStacks: true, unwind: 'auto' } as const;
  const session = new Session({ event: findEvent('cpu-clock'), hz: 99, targets, ...stacks });
  session.start();
  const cpus = session.cpus.length;
  const refusal = session.unwindRefusal;
  session.close();
  const text = `the BPF program loads and is attached to ${cpus} CPUs`;
  if (refusal === undefined) return { state: 'good', text };
  const next = 'Linux 5.17 or newer walks stacks without frame pointers.';
  return { state: 'poor', text: `${text}, with frame pointers only (${refusal})`, next };
}

/** What is left where BPF is refused. */
function withoutBpf(): Finding {
  const targets = { pids: [process.pid], tids: [], inherit: false };
  const stacks = { kernelStacks: true, userStacks: true, unwind: 'auto' } as const;
  const open = (kernel: boolean): Finding => {
    new PerfSession({ event: findEvent('cpu-clock'), hz: 99, targets, ...stacks }, kernel).close();
    return { state: 'good', text: RUNG_TEXT[kernel ? 'perf' : 'perf-user'] };
  };
  const privileged = run(() => open(true));
  if (privileged.state === 'good') return privileged;
  const finding = run(() => open(false));
  return finding.state === 'bad' ? { ...finding, state: 'poor' } : finding;
}

const CHECKS: Readonly<Record<string, () => Finding>> = {
  kernel,
  btf,
  capabilities,
  paranoid,
  'kernel symbols': kernelSymbols,
  addon,
  events: pmu,
  limits,
  sampling,
  'without BPF': withoutBpf,
};

function run(check: () => Finding): Finding {
  try {
    return check();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const next = error instanceof ProfilerError ? error.hint : undefined;
    return { state: 'bad', text, ...(next ? { next } : {}) };
  }
}

const MARKS = { good: green('ok  '), poor: yellow('poor'), bad: red('no  ') };

/** Prints the report on standard output; the exit code says whether recording works. */
export function doctor(): ExitCode {
  let works = true;
  for (const [name, check] of Object.entries(CHECKS)) {
    const { state, text, next } = run(check);
    if (state === 'bad') works = false;
    process.stdout.write(`${MARKS[state]} ${name.padEnd(15)} ${text}\n${next ? `${' '.repeat(21)}→ ${next}\n` : ''}`);
  }
  return works ? ExitCode.ok : ExitCode.notPermitted;
}
