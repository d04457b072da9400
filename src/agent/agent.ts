/** The agent: samples for ever, cuts windows, exports them, and hands them to the spool. */
import { openPods, type Pods } from '../identity/kubelet.ts';
import { lostSamples } from '../model/statistics.ts';
import type { AgentConfig } from './config.ts';
import { Delivery } from './delivery.ts';
import { Exporter } from './exporter.ts';
import { type Log, reasonOf } from './log.ts';
import { MemoryGuard, SHED, sampledShare } from './memory.ts';
import { newTableDelays } from './metrics.ts';
import { giveBackOwnPages } from './own-pages.ts';
import { type SampledWindow, Sampler, type Selection } from './sampler.ts';

/** Counted since the start of the agent. */
export interface AgentCounts {
  windows: number;
  /** Windows that could not be exported, and the samples in them. */
  windowsFailed: number;
  samplesFailed: number;
  profiles: number;
  samples: number;
  reloads: number;
  reloadsFailed: number;
}

/** Of the last window that was exported. */
export interface LastWindow {
  readonly endMs: number;
  readonly samples: number;
  readonly series: number;
  readonly exportMs: number;
}

/** The agent ends within 5 s, and delivers until so long after it was told to. */
const FLUSH_UNTIL_MS = 4000;
const MEMORY_CHECK_MS = 1000;

export class Agent {
  readonly counts: AgentCounts = {
    windows: 0,
    windowsFailed: 0,
    samplesFailed: 0,
    profiles: 0,
    samples: 0,
    reloads: 0,
    reloadsFailed: 0,
  };
  /** By cause: see Recording.losses. */
  readonly losses = new Map<string, number>();
  readonly tableDelays = newTableDelays();
  last: LastWindow | undefined;
  /** When the last window ended, or sampling began; as performance.now(). */
  windowEndedAt = performance.now();
  /** Why nothing is sampled any more. */
  failure: string | undefined;
  config: AgentConfig;
  delivery: Delivery;
  readonly #log: Log;
  readonly #exporter = new Exporter({
    debugFolders: () => this.config.debug_dirs,
    onNote: note => this.#log.warn(`Debug files: ${note}.`),
  });
  #guard: MemoryGuard;
  #sampler: Sampler;
  #pods: Pods | undefined;
  #checkedAt = 0;
  /** Windows are put into the spool one after the other. */
  #putting: Promise<void> = Promise.resolve();
  readonly #onFatal: (error: unknown) => void;

  private constructor(config: AgentConfig, delivery: Delivery, log: Log, onFatal: (error: unknown) => void) {
    this.config = config;
    this.delivery = delivery;
    this.#log = log;
    this.#onFatal = onFatal;
    this.#guard = new MemoryGuard(config.limits.memory);
    this.#openPods();
    this.#sampler = this.#newSampler();
  }

  /** Starts to sample. `onFatal`: sampling has ended for good. Throws a ProfilerError. */
  static async start(config: AgentConfig, log: Log, onFatal: (error: unknown) => void): Promise<Agent> {
    const delivery = await Delivery.open(config, log);
    try {
      const agent = new Agent(config, delivery, log, onFatal);
      agent.#exporter.warmUp();
      agent.#sampler.start(config.jitter * Math.random());
      agent.#tellStart();
      return agent;
    } catch (error) {
      await delivery.close(0);
      throw error;
    }
  }

  get hz(): number {
    return this.#sampler.hz;
  }

  get event(): string {
    return this.#sampler.event.name;
  }

  /** See memory.ts. */
  get shed(): number {
    return this.#guard.step;
  }

  #openPods(): void {
    this.#pods?.close();
    const { kubernetes } = this.config;
    this.#pods = kubernetes && openPods(kubernetes, this.#log.warn);
  }

  #newSampler(): Sampler {
    return new Sampler({
      config: this.config,
      share: sampledShare(this.#guard.step),
      workloadOf: identity => this.#pods?.find(identity),
      onWarning: this.#log.warn,
      onWindow: ended => this.#export(ended),
      onTables: delay => this.tableDelays.observe(delay / 1e9),
      onTick: () => this.#watchMemory(),
      onError: error => {
        this.failure = reasonOf(error);
        this.#onFatal(error);
      },
    });
  }

  #tellStart(): void {
    const { window, sinks } = this.config;
    const names = sinks.map(({ name }) => name).join(', ');
    this.#log.info(`Sampling ${this.event} at ${this.hz} Hz in windows of ${window / 1000} s; sinks: ${names}.`);
    const refusal = this.#sampler.unwindRefusal;
    if (refusal !== undefined) {
      this.#log.warn(`Stacks are walked by frame pointers only: this kernel refused more (${refusal}).`);
    }
  }

  #export(ended: SampledWindow): void {
    const { window, sampling, samples } = ended;
    for (const [cause, count] of Object.entries(sampling.losses)) {
      this.losses.set(cause, (this.losses.get(cause) ?? 0) + count);
    }
    const lost = lostSamples(sampling.losses);
    if (lost > 0) this.#log.warn(`${lost} samples were lost in a window of ${samples}.`);
    this.windowEndedAt = performance.now();
    if (this.counts.windows++ === 0) giveBackOwnPages(); // starting is over
    this.counts.samples += samples;
    if (samples === 0) return;
    const endMs = Date.now();
    const started = performance.now();
    const { name, counts } = this.#sampler.event;
    const seriesName = counts.unit === 'nanoseconds' ? 'process_cpu' : name.replace(/\W/g, '_');
    const exported = this.#exporter.exportWindow(window, { sampling, name: seriesName, limits: this.delivery.limits });
    this.#putting = Promise.all([exported, this.#putting])
      .then(([uploads]) => {
        this.#sweep();
        this.counts.profiles += uploads.length;
        const series = new Set(uploads.map(({ labels }) => JSON.stringify(labels))).size;
        this.last = { endMs, samples, series, exportMs: performance.now() - started };
        return this.delivery.put(uploads);
      })
      .catch(error => {
        this.counts.windowsFailed++;
        this.counts.samplesFailed += samples;
        this.#log.error(`A window of ${samples} samples is lost: it could not be exported (${reasonOf(error)}).`);
      });
  }

  #sweep(): void {
    if (!this.#exporter.isBusy) this.#exporter.forget(this.#sampler.sweep());
  }

  #watchMemory(): void {
    const now = performance.now();
    if (now - this.#checkedAt < MEMORY_CHECK_MS) return;
    this.#checkedAt = now;
    const before = this.#guard.step;
    const bytes = process.memoryUsage.rss();
    if (!this.#guard.check(bytes, now)) return;
    const { step } = this.#guard;
    const used = `${(bytes / 2 ** 20).toFixed(0)} MiB of ${(this.config.limits.memory / 2 ** 20).toFixed(0)} MiB`;
    if (step > before) this.#log.warn(`${used} of memory are in use: details are given up (step ${step}).`);
    else this.#log.info(`${used} of memory are in use: details come back (step ${step}).`);
    if (step === SHED.caches && step > before) void this.#exporter.idle().then(() => this.#exporter.close());
    if (sampledShare(step) !== sampledShare(before)) this.#restart(this.config);
  }

  /** Samples on with another sampler, without a gap but that between the stop of one and the start of the other. */
  #restart(config: AgentConfig): void {
    const [old, before] = [this.#sampler, this.config];
    this.config = config;
    try {
      this.#sampler = this.#newSampler();
    } catch (error) {
      this.config = before;
      throw error;
    }
    old.stop();
    this.#sampler.start(0);
    void this.#closeWhenRead(old);
  }

  /** Its files may be read by the exporter still. */
  async #closeWhenRead(sampler: Sampler): Promise<void> {
    await this.#exporter.idle();
    sampler.close();
  }

  /**
   * Goes on with another configuration. Nothing is lost on the way: the window is cut, what waits in the spool stays.
   * @throws ProfilerError when the new one does not work; the old one stays in force then
   */
  async reload(config: AgentConfig): Promise<void> {
    const before = this.config;
    try {
      if (JSON.stringify([config.sinks, config.spool]) !== JSON.stringify([before.sinks, before.spool])) {
        const reopened = this.#putting.then(() => this.#reopenDelivery(config));
        this.#putting = reopened.catch(() => {}); // what is exported meanwhile waits for it
        await reopened;
      }
      if (config.limits.memory !== before.limits.memory) this.#guard = new MemoryGuard(config.limits.memory);
      this.#restart(config);
      this.#openPods();
      this.counts.reloads++;
      this.#tellStart();
    } catch (error) {
      this.counts.reloadsFailed++;
      throw error;
    }
  }

  /** The spool has one owner: it is closed, with everything that was exported in it, before it is opened again. */
  async #reopenDelivery(config: AgentConfig): Promise<void> {
    await this.delivery.close(0);
    try {
      this.delivery = await Delivery.open(config, this.#log);
    } catch (error) {
      this.delivery = await Delivery.open(this.config, this.#log);
      throw error;
    }
  }

  /** What is sampled in the next `ms` milliseconds as a file of a format; undefined when too many ask at once. */
  async pull(
    ms: number,
    options: { readonly format: string; readonly title: string; readonly selection: Selection },
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const ended = await this.#sampler.pull(ms, options.selection, signal);
    if (!ended) return undefined;
    const { format, title } = options;
    return await this.#exporter.exportAs(ended.window, { sampling: ended.sampling, format, title });
  }

  /** Ends the window and delivers what can be delivered within 5 s. What is left stays in the spool. */
  async stop(): Promise<void> {
    const end = performance.now() + FLUSH_UNTIL_MS;
    this.#sampler.stop();
    await this.#putting;
    const left = await this.delivery.close(Math.max(0, end - performance.now()));
    if (left > 0) this.#log.info(`${left} profiles wait in the spool for the next start.`);
    await this.#exporter.close();
    this.#sampler.close();
    this.#pods?.close();
  }
}
