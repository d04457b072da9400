/** `profiler record`: from flags to a recording, and from the recording to files. */
import { ThreadLabels } from '../aggregate/labels.ts';
import { allowedRate, defaultEvent } from '../capture/default-event.ts';
import { findEvent } from '../capture/events/index.ts';
import { RUNG_TEXT } from '../capture/ladder.ts';
import { ExitCode, ProfilerError } from '../errors.ts';
import { lostSamples } from '../model/statistics.ts';
import { packageVersion } from '../package.ts';
import { Recording } from '../pipeline.ts';
import { poll } from '../poll.ts';
import { RuntimeHelp } from '../runtimes/index.ts';
import { Child } from './child.ts';
import { nameWithDebugFiles } from './names.ts';
import { findOutputs, type Output, writeOutputs } from './outputs.ts';
import type { RecordFlags } from './record-flags.ts';
import { summary } from './summary.ts';
import { findTargets, isAlive } from './targets.ts';
import { say, sayFailure, status } from './terminal.ts';
import { holdNewSpace } from './v8-flags.ts';

const MAX_COMMAND_TEXT = 300;
/** Formats that show when samples were taken. */
const TIMED = ['html', 'firefox'];

function usage(message: string, hint?: string): ProfilerError {
  return new ProfilerError('usage', message, { exitCode: ExitCode.usage, ...(hint ? { hint } : {}) });
}

function checkTargets(command: readonly string[], flags: RecordFlags): void {
  const picked = flags.pid.length + flags.tid.length > 0;
  const filtered = flags.cgroup !== undefined || flags.comm !== undefined;
  if (command.length > 0 && (picked || flags.all)) {
    throw usage('a command is recorded by itself, without -p, -t or -a.');
  }
  if (picked && flags.all) throw usage('-a is everything: leave out -p and -t.');
  if (command.length === 0 && !picked && !flags.all && !filtered) {
    throw usage(
      'nothing to record.',
      'Say -p PID, -a for everything, or -- and a command. See `profiler record --help`.',
    );
  }
}

/** The rate that the kernel allows, told when it is lower than asked. */
function clampRate(hz: number): number {
  const allowed = allowedRate(hz);
  if (allowed < hz) {
    say(`The kernel allows at most ${allowed} Hz (kernel.perf_event_max_sample_rate): recording at that.`);
  }
  return allowed;
}

/** What was recorded, for the profile's comments and the picture's title. */
function commandText(command: readonly string[], flags: RecordFlags): string {
  if (command.length > 0) {
    const text = command.join(' ');
    return text.length > MAX_COMMAND_TEXT ? `${text.slice(0, MAX_COMMAND_TEXT)}…` : text;
  }
  const parts = [
    flags.all ? 'everything' : '',
    flags.pid.length > 0 ? `pid ${flags.pid.join(', ')}` : '',
    flags.tid.length > 0 ? `tid ${flags.tid.join(', ')}` : '',
    flags.cgroup === undefined ? '' : `cgroup ${flags.cgroup}`,
    flags.comm === undefined ? '' : `comm ${flags.comm}`,
  ];
  return parts.filter(Boolean).join(', ');
}

function startRecording(flags: RecordFlags, child: Child | undefined, help: RuntimeHelp) {
  const event = flags.event === undefined ? defaultEvent() : findEvent(flags.event);
  const hz = clampRate(flags.frequency);
  if (!flags.quiet) status(() => 'Reading unwind tables …'); // of a large program seen for the first time
  const recording = new Recording({
    event,
    hz,
    targets: findTargets(flags, child ? [child.pid] : []),
    fromExecOf: child?.pid,
    kernelStacks: !flags.user,
    userStacks: !flags.kernel,
    unwind: flags.unwind,
    unwindMemory: flags.unwindMemory,
    onWarning: say,
    onExec: pid => help.started(pid),
    rung: flags.capture,
  });
  if (recording.rungRefusal !== '' && !flags.quiet) {
    say(`Captured by ${RUNG_TEXT[recording.rung]}: ${recording.rungRefusal}`);
  }
  if (recording.unwindRefusal !== undefined) {
    say(`Stacks are walked by frame pointers only: this kernel refused more (${recording.unwindRefusal}).`);
  }
  return { recording, event, hz };
}

function progress(recording: Recording, elapsedMs: number): string {
  const lost = lostSamples(recording.losses());
  return `Recording ${(elapsedMs / 1000).toFixed(0)} s, ${recording.samples} samples, ${lost} lost. Ctrl-C stops.`;
}

/** Resolves when recording should end: duration over, targets gone, command ended, or a signal. */
function untilDone(recording: Recording, flags: RecordFlags, child: Child | undefined): Promise<void> {
  const started = performance.now();
  const ids = [...flags.pid, ...flags.tid];
  return new Promise((resolve, reject) => {
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    const done = () => {
      stopPolling();
      clearTimeout(deadline);
      for (const signal of signals) process.off(signal, onSignal);
      resolve();
    };
    const onSignal = (signal: NodeJS.Signals) => {
      if (!child) return done();
      // A terminal sends Ctrl-C to the command as well; the recording ends when the command does.
      if (signal !== 'SIGINT' || !process.stderr.isTTY) child.kill(signal);
    };
    const stopPolling = poll(recording, {
      onDrain() {
        if (!flags.quiet) status(() => progress(recording, performance.now() - started));
        if (ids.length > 0 && !ids.some(isAlive)) done();
      },
      onError(error) {
        reject(error); // before done(), which resolves
        done();
      },
    });
    const deadline = flags.duration === undefined ? undefined : setTimeout(done, flags.duration * 1000);
    for (const signal of signals) process.on(signal, onSignal);
    child?.exited.then(done, reject);
    child?.run();
  });
}

interface Subject {
  readonly command: readonly string[];
  readonly flags: RecordFlags;
  readonly child: Child | undefined;
  readonly help: RuntimeHelp;
}

/** Runs the recording to its end. What it held besides the profile can be collected when this returns. */
async function collect({ command, flags, child, help }: Subject, times: boolean) {
  const { recording, event, hz } = startRecording(flags, child, help);
  const byLabel = (label: 'tid' | 'cpu') => flags.labels.includes(label);
  const labels = new ThreadLabels({ byThread: byLabel('tid'), byCpu: byLabel('cpu') });
  const window = recording.openWindow(labels, { times });
  try {
    recording.start();
    holdNewSpace();
    await untilDone(recording, flags, child);
    recording.drain();
    const { raw, mappings } = recording.closeWindow(window);
    const losses = recording.losses();
    recording.stop();
    const sentences = await help.ask(new Set(mappings.flatMap(({ jit }) => jit?.owner ?? [])));
    if (!flags.quiet) for (const sentence of sentences) say(sentence);
    if (!flags.quiet) status(() => 'Resolving names and writing …');
    const comments = [
      `profiler ${packageVersion()}`,
      commandText(command, flags),
      `${event.name} at ${hz} Hz`,
      `captured by ${RUNG_TEXT[recording.rung]}`,
    ];
    const { shortNames, inlines, lines } = flags;
    const sampling = { event, hz, shortNames, inlines, lines, losses, comments };
    return {
      ...(await nameWithDebugFiles(raw, mappings, sampling, flags.debugDir)),
      event: event.name,
      hz,
      rung: recording.rung,
    };
  } catch (error) {
    child?.kill('SIGTERM');
    throw error;
  } finally {
    help.removeAsked();
    recording.close();
  }
}

export async function record(command: readonly string[], flags: RecordFlags): Promise<number> {
  checkTargets(command, flags);
  const outputs = findOutputs(flags.output, flags.format);
  const help = new RuntimeHelp([...(flags.nodeFlags ? ['node'] : []), ...(flags.jvmPerfmap ? ['jvm'] : [])]);
  const child =
    command.length > 0 ? new Child(command, { environment: help.environment(command, process.env) }) : undefined;
  try {
    return await recordAndWrite({ command, flags, child, help }, outputs);
  } finally {
    help.removeLeftovers();
  }
}

async function recordAndWrite(subject: Subject, outputs: readonly Output[]): Promise<number> {
  const { command, flags, child } = subject;
  let collected: Awaited<ReturnType<typeof collect>>;
  try {
    const times = outputs.some(({ format }) => TIMED.includes(format.name));
    collected = await collect(subject, times);
  } catch (error) {
    child?.abandon(); // where it still waits for its start
    throw error;
  }
  const { profile } = collected;
  const { written, failures } = await writeOutputs(outputs, profile, {
    annotate: flags.annotate,
    labels: flags.labels,
    title: flags.title ?? commandText(command, flags),
  });
  if (!flags.quiet) for (const line of summary({ ...collected, written })) say(line);
  for (const failure of failures) sayFailure(failure);
  const commandStatus = (await child?.exited) ?? 0;
  return commandStatus || (failures.length > 0 ? ExitCode.output : ExitCode.ok);
}
