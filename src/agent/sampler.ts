/** The sampling side of the agent: a recording, cut into windows. */

import { allowedRate, defaultEvent } from '../capture/default-event.ts';
import { findEvent, type SelectedEvent } from '../capture/events/index.ts';
import type { Workload } from '../identity/pods.ts';
import type { Identity } from '../identity/process.ts';
import type { Sampling } from '../naming.ts';
import { packageVersion } from '../package.ts';
import { Recording } from '../pipeline.ts';
import { poll } from '../poll.ts';
import type { Window } from '../window.ts';
import type { AgentConfig } from './config.ts';
import type { EndedWindow } from './exporter.ts';
import { Processes, SeriesLabels } from './series.ts';

/** A window that has ended, and how it was sampled. */
export interface SampledWindow {
  readonly window: EndedWindow;
  readonly sampling: Sampling;
  /** Of all series. */
  readonly samples: number;
}

export interface SamplerOptions {
  readonly config: AgentConfig;
  /** Sampled at this part of the frequency of the configuration, to save memory. */
  readonly share: number;
  readonly workloadOf: (identity: Identity) => Workload | undefined;
  /** Takes sentences about files of targets that are not believed. */
  readonly onWarning?: (sentence: string) => void;
  readonly onWindow: (ended: SampledWindow) => void;
  /** See RecordingOptions. */
  readonly onTables: (delay: number) => void;
  /** Called at least four times a second. */
  readonly onTick: () => void;
  /** Sampling has ended because of this. */
  readonly onError: (error: unknown) => void;
}

/** A label and the value that it has to have. */
export type Selection = Readonly<Record<string, string>>;

/** In memory at once: each counts every sample. */
const MAX_PULLS = 4;

export class Sampler {
  readonly event: SelectedEvent;
  readonly hz: number;
  readonly #options: SamplerOptions;
  readonly #recording: Recording;
  readonly #processes: Processes;
  #window: Window | undefined;
  #losses: Readonly<Record<string, number>> = {};
  /** Ends each of them now. */
  readonly #pulls = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #stopPolling = () => {};

  /** Prepares everything; start() samples. Throws a ProfilerError. */
  constructor(options: SamplerOptions) {
    this.#options = options;
    const { config, share, workloadOf } = options;
    this.event = config.event === undefined ? defaultEvent() : findEvent(config.event);
    this.hz = Math.max(1, Math.round(allowedRate(config.frequency) * share));
    const { targets, labels, services, relabel } = config;
    this.#processes = new Processes({ targets, labels: { labels, services, relabel }, workloadOf });
    this.#recording = new Recording({
      rung: 'bpf',
      event: this.event,
      hz: this.hz,
      targets: { pids: targets.pids, tids: [], inherit: false },
      kernelStacks: config.kernel_stacks,
      userStacks: config.user_stacks,
      unwind: config.unwind,
      unwindMemory: config.limits.unwind_memory,
      accepts: (image, words, at) => this.#processes.accepts(image, words, at),
      onTables: options.onTables,
      ...(options.onWarning ? { onWarning: options.onWarning } : {}),
    });
  }

  /** Why stacks are not walked by unwind tables though that was wanted. */
  get unwindRefusal(): string | undefined {
    return this.#recording.unwindRefusal;
  }

  /** Since the start. */
  get samples(): number {
    return this.#recording.samples;
  }

  losses(): Record<string, number> {
    return this.#recording.losses();
  }

  /** The first window is shortened by `jitter`, a part of a window. */
  start(jitter: number): void {
    const { onTick, onError } = this.#options;
    this.#open();
    this.#recording.start();
    this.#stopPolling = poll(this.#recording, {
      onDrain: onTick,
      onError: error => {
        this.stop();
        onError(error);
      },
    });
    this.#schedule(performance.now() + this.#options.config.window * (1 - jitter));
  }

  /** Windows follow each other at equal distances, however late a timer is. */
  #schedule(end: number): void {
    this.#timer = setTimeout(
      () => {
        this.cut();
        const next = end + this.#options.config.window;
        this.#schedule(next > performance.now() ? next : performance.now() + this.#options.config.window);
      },
      Math.max(0, end - performance.now()),
    );
  }

  #open(): void {
    const { limits, labels } = this.#options.config;
    this.#window = this.#recording.openWindow(new SeriesLabels(this.#processes, limits.series, labels));
  }

  /** Ends the window and begins the next one. */
  cut(): void {
    this.#recording.drain();
    this.#end();
    this.#open();
    this.#processes.nextWindow();
  }

  #end(): void {
    const window = this.#window;
    if (!window) return;
    this.#window = undefined;
    const ended = this.#recording.closeWindow(window);
    const total = this.losses();
    const losses = Object.fromEntries(
      Object.entries(total).map(([cause, count]) => [cause, count - (this.#losses[cause] ?? 0)]),
    );
    this.#losses = total;
    this.#options.onWindow({ window: ended, sampling: this.#sampling(losses), samples: window.samples });
  }

  #sampling(losses: Readonly<Record<string, number>>): Sampling {
    const { value, counts, name } = this.event;
    const comments = [`profiler ${packageVersion()}`, 'agent', `${name} at ${this.hz} Hz`];
    const { short_names: shortNames, inlines, lines } = this.#options.config;
    return { event: { value, counts }, hz: this.hz, shortNames, inlines, lines, losses, comments };
  }

  /** What is sampled in the next `ms` milliseconds; undefined when too many ask for that at once. */
  pull(ms: number, selection: Selection, signal: AbortSignal): Promise<SampledWindow> | undefined {
    if (this.#pulls.size === MAX_PULLS) return undefined;
    const { limits, labels } = this.#options.config;
    const wanted = Object.entries(selection);
    const window = this.#recording.openWindow(new SeriesLabels(this.#processes, limits.series, labels), {
      accepts: image => {
        const has = this.#processes.labels(image.id);
        return wanted.every(([name, value]) => has[name] === value);
      },
    });
    return new Promise(resolve => {
      const finish = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', drainAndFinish);
        this.#pulls.delete(finish);
        const ended = this.#recording.closeWindow(window);
        resolve({ window: ended, sampling: this.#sampling({}), samples: window.samples });
      };
      const drainAndFinish = () => {
        this.#recording.drain();
        finish();
      };
      this.#pulls.add(finish);
      signal.addEventListener('abort', drainAndFinish);
      const timer = setTimeout(drainAndFinish, ms);
    });
  }

  /** Closes files that nobody uses any more; the ids of their code. Call it while nobody reads a window's files. */
  sweep(): readonly number[] {
    return this.#pulls.size > 0 ? [] : this.#recording.sweep();
  }

  /** Stops to sample and ends the last window. The files of its code stay open until close(). */
  stop(): void {
    clearTimeout(this.#timer);
    this.#stopPolling();
    if (!this.#window) return;
    this.#recording.drain();
    for (const finish of this.#pulls) finish();
    this.#end();
    this.#recording.stop();
  }

  close(): void {
    this.#recording.close();
  }
}
