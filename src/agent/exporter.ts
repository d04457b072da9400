/** The exporter thread as the agent sees it. It may die, of memory or a bug; then one window is lost and counted. */
import { Worker } from 'node:worker_threads';
import type { MappedCode } from '../process/code.ts';
import { referTo } from '../process/code-reference.ts';
import type { Upload } from '../sinks/sink.ts';
import type { RawProfile } from '../window.ts';
import type { ExportOptions } from './export.ts';
import type { ExportJob, FromExporter, ToExporter } from './exporter-worker.ts';

/** A closed window: see Window.end(). */
export interface EndedWindow {
  readonly raw: RawProfile;
  readonly mappings: readonly MappedCode[];
}

export interface ExporterOptions {
  /** Where debug files are looked for first, at present. */
  readonly debugFolders: () => readonly string[];
  /** Told of debug files that could not be used. */
  readonly onNote: (note: string) => void;
}

interface Waiting {
  resolve(result: readonly Upload[] | Uint8Array): void;
  reject(error: Error): void;
}

/** MB: the thread ends rather than take more for its heap. */
const HEAP_LIMIT = { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 8 };

/** How often idle() looks. */
const IDLE_MS = 20;

/** The memory of the columns: handed over, not copied. */
function buffersOf({ addresses, stacks, samples, ends }: RawProfile): ArrayBuffer[] {
  const columns = [addresses, stacks, samples, ends].flatMap(of => Object.values(of).filter(ArrayBuffer.isView));
  return [...new Set(columns.map(({ buffer }) => buffer as ArrayBuffer))];
}

export class Exporter {
  #worker: Worker | undefined;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  readonly #options: ExporterOptions;

  constructor(options: ExporterOptions) {
    this.#options = options;
  }

  /** Starts the thread before there is anything to export: what is exported late is lost with the process. */
  warmUp(): void {
    this.#worker ??= this.#start();
  }

  /** Whether it reads files of windows at present. */
  get isBusy(): boolean {
    return this.#waiting.size > 0;
  }

  /** Resolves when it is not busy any more. */
  async idle(): Promise<void> {
    while (this.isBusy) await new Promise(resolve => setTimeout(resolve, IDLE_MS));
  }

  /** The uploads of a window. Rejects when the thread failed. */
  async exportWindow(window: EndedWindow, options: ExportOptions): Promise<readonly Upload[]> {
    return (await this.#run(window, { kind: 'uploads', options })) as readonly Upload[];
  }

  /** All of a window as one file of a format. */
  async exportAs(window: EndedWindow, file: Omit<ExportJob & { kind: 'file' }, 'kind'>): Promise<Uint8Array> {
    return (await this.#run(window, { kind: 'file', ...file })) as Uint8Array;
  }

  /** Before files are closed. */
  forget(ids: readonly number[]): void {
    if (ids.length > 0) this.#post({ forget: ids });
  }

  /** Ends the thread, and with it every cache: another one starts with the next window. */
  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #run({ raw, mappings }: EndedWindow, job: ExportJob): Promise<readonly Upload[] | Uint8Array> {
    const id = this.#nextId++;
    const result = new Promise<readonly Upload[] | Uint8Array>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
    this.#post(
      { id, raw, code: mappings.map(referTo), job, debugFolders: this.#options.debugFolders() },
      buffersOf(raw),
    );
    return result;
  }

  #post(message: ToExporter, transferred: readonly ArrayBuffer[] = []): void {
    this.#worker ??= this.#start();
    this.#worker.postMessage(message, transferred);
  }

  #start(): Worker {
    const worker = new Worker(new URL('./exporter-worker.js', import.meta.url), { resourceLimits: HEAP_LIMIT });
    worker.on('message', (answer: FromExporter) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ('error' in answer) waiting?.reject(new Error(answer.error));
      else {
        answer.notes.forEach(this.#options.onNote);
        waiting?.resolve(answer.result);
      }
    });
    worker.on('error', error => this.#fail(worker, error));
    worker.on('exit', () => this.#fail(worker, new Error('the exporter thread ended')));
    return worker;
  }

  #fail(worker: Worker, error: Error): void {
    if (this.#worker === worker) this.#worker = undefined;
    for (const [id, { reject }] of this.#waiting) {
      this.#waiting.delete(id);
      reject(error);
    }
  }
}
