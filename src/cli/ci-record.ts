/** One run of `profiler ci run`: a command from its start to its end, recorded or not. */
import { ThreadLabels } from '../aggregate/labels.ts';
import { loadAddon } from '../capture/addon.ts';
import type { SelectedEvent } from '../capture/events/index.ts';
import { RUNG_TEXT } from '../capture/ladder.ts';
import type { Rung, UnwindMode } from '../capture/options.ts';
import { PrintedMetric } from '../ci/metric.ts';
import type { Profile } from '../model/profile.ts';
import { packageVersion } from '../package.ts';
import { Recording } from '../pipeline.ts';
import { poll } from '../poll.ts';
import { Child } from './child.ts';
import { nameWithDebugFiles } from './names.ts';

export interface RunRecipe {
  readonly command: readonly string[];
  readonly cwd: string | undefined;
  readonly event: SelectedEvent;
  readonly hz: number;
  readonly rung: Rung | 'auto';
  readonly unwind: UnwindMode;
  readonly unwindMemory: number;
  /** Finds the number that the command prints. */
  readonly printed: RegExp | undefined;
}

export interface Run {
  /** As a shell gives it. */
  readonly status: number;
  readonly wallMs: number;
  /** Of the command, and of the children that it waited for. */
  readonly cpuMs: number;
  /** What it printed; undefined when nothing matched, or nothing was asked for. */
  readonly printed: number | undefined;
}

export interface RecordedRun extends Run {
  readonly profile: Profile;
  readonly rung: Rung;
  /** Why nothing better was taken; ''. */
  readonly rungRefusal: string;
}

/** A command that waits, and what its run was. */
function prepare({ command, cwd, printed }: RunRecipe) {
  const metric = printed && new PrintedMetric(printed);
  const onOutput = metric && ((name: string, chunk: Uint8Array) => metric.add(name, chunk));
  const child = new Child(command, { cwd, onOutput, input: false });
  const run = async (): Promise<Run> => {
    const { childrenCpu } = loadAddon();
    const [started, cpu] = [performance.now(), childrenCpu()];
    child.run();
    await child.exited;
    const wallMs = performance.now() - started;
    const cpuMs = (childrenCpu() - cpu) / 1000;
    return { status: await child.ended, wallMs, cpuMs, printed: metric?.end() };
  };
  return { child, run };
}

/** Runs it without a recording. `onStart` is told of the command, to end it early. */
export async function warmUp(recipe: RunRecipe, onStart: (child: Child) => void): Promise<Run> {
  const { child, run } = prepare(recipe);
  onStart(child);
  return await run();
}

function openRecording({ event, hz, rung, unwind, unwindMemory }: RunRecipe, pid: number): Recording {
  return new Recording({
    event,
    hz,
    rung,
    targets: { pids: [pid], tids: [], inherit: true },
    fromExecOf: pid,
    kernelStacks: true,
    userStacks: true,
    unwind,
    unwindMemory,
  });
}

/** Polls the recording while `run` goes on. */
async function whilePolling(recording: Recording, run: () => Promise<Run>): Promise<Run> {
  let stop = () => {};
  const failed = new Promise<never>((_, reject) => {
    stop = poll(recording, { onDrain() {}, onError: reject });
  });
  try {
    return await Promise.race([run(), failed]);
  } finally {
    stop();
  }
}

/** Throws a ProfilerError when it cannot be recorded; the command has been ended then. */
export async function recordRun(recipe: RunRecipe, onStart: (child: Child) => void): Promise<RecordedRun> {
  const { event, hz, command } = recipe;
  const { child, run } = prepare(recipe);
  let recording: Recording | undefined;
  try {
    recording = openRecording(recipe, child.pid);
    const { rung, rungRefusal } = recording;
    const window = recording.openWindow(new ThreadLabels({ byThread: false, byCpu: false }));
    recording.start();
    onStart(child);
    const ran = await whilePolling(recording, run);
    recording.drain();
    const { raw, mappings } = recording.closeWindow(window);
    const losses = recording.losses();
    recording.stop();
    const how = [`${event.name} at ${hz} Hz`, `captured by ${RUNG_TEXT[rung]}`];
    const comments = [`profiler ${packageVersion()}`, command.join(' ').slice(0, 300), ...how];
    const sampling = { event, hz, shortNames: false, inlines: true, lines: true, losses, comments };
    const { profile } = await nameWithDebugFiles(raw, mappings, sampling, []);
    return { ...ran, profile, rung, rungRefusal };
  } catch (error) {
    child.abandon(); // where it still waits for its start
    child.kill('SIGTERM');
    throw error;
  } finally {
    recording?.close();
  }
}
