/** The thread that names, encodes and compresses: whatever it does, sampling goes on. */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort } from 'node:worker_threads';
import { DebugFiles } from '../debug-files/debug-files.ts';
import { debuginfodOfEnvironment } from '../debug-files/debuginfod.ts';
import type { Sampling } from '../naming.ts';
import { type CodeReference, openReferred, type ReferredCode, renewReferred } from '../process/code-reference.ts';
import type { Upload } from '../sinks/sink.ts';
import { LineIndexes } from '../symbolize/lines/line-indexes.ts';
import type { RawProfile } from '../window.ts';
import { type ExportOptions, exportAs, exportWindow } from './export.ts';

export type ExportJob =
  | { readonly kind: 'uploads'; readonly options: ExportOptions }
  | { readonly kind: 'file'; readonly sampling: Sampling; readonly format: string; readonly title: string };

/** From the main thread: a window, or code whose files will be closed. */
export type ToExporter =
  | {
      readonly id: number;
      readonly raw: RawProfile;
      readonly code: readonly CodeReference[];
      readonly job: ExportJob;
      /** Where debug files are looked for first. */
      readonly debugFolders: readonly string[];
    }
  | { readonly forget: readonly number[] };

type WindowJob = Extract<ToExporter, { raw: RawProfile }>;

/** To the main thread. */
export type FromExporter =
  | { readonly id: number; readonly result: readonly Upload[] | Uint8Array; readonly notes: readonly string[] }
  | { readonly id: number; readonly error: string };

/** Of heap and buffers: above the first, symbol tables go that the last window did not need; above the second, all. */
const MAX_BYTES = { idle: 32 * 2 ** 20, all: 96 * 2 ** 20 };
/** Of what was left by the last collection: below this there is not enough garbage for another one. */
const MIN_GROWTH = 1.25;

/** Windows come every few seconds: what servers send later than this names the next one. */
const FETCH_MS = 3000;

/** Of the memory that an agent has. */
const MAX_UNPACKED = 64 * 2 ** 20;

/** What is known of code, its symbols and their names, is kept as long as it is in here. */
const opened = new Map<number, ReferredCode>();

function open(reference: CodeReference): ReferredCode {
  let code = opened.get(reference.id);
  if (code === undefined) {
    code = openReferred(reference);
  } else {
    renewReferred(code, reference);
    opened.delete(reference.id); // the last one used is the last one
  }
  opened.set(reference.id, code);
  return code;
}

let debugFiles = new DebugFiles();
let debugFolders: readonly string[] | undefined;
const lineIndexes = new LineIndexes();

function lookInto(folders: readonly string[]): void {
  if (JSON.stringify(folders) === JSON.stringify(debugFolders)) return;
  debugFiles.close();
  debugFiles = new DebugFiles({ folders, debuginfod: debuginfodOfEnvironment(), maxUnpackedBytes: MAX_UNPACKED });
  debugFolders = folders;
  opened.clear();
}

/**
 * V8 sees no reason to collect a few objects, though megabytes of columns hang on them. Not after every window: a
 * collection also throws away the optimized code of functions whose objects are gone, which is all of it.
 */
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Of heap and buffers. What V8 calls external memory counts streams that were closed long ago, too. */
function usedBytes(): number {
  return getHeapStatistics().used_heap_size + process.memoryUsage().arrayBuffers;
}

/** After the last collection. */
let collectedBytes = 0;

/** One collection at most: what it does not bring comes with the next window. */
function boundMemory(used: readonly CodeReference[]): void {
  const enough = Math.min(MIN_GROWTH * collectedBytes, MAX_BYTES.all);
  if (usedBytes() <= Math.max(MAX_BYTES.idle, enough)) return;
  collectGarbage();
  collectedBytes = usedBytes();
  if (collectedBytes <= MAX_BYTES.idle) return;
  const isAllIdle = collectedBytes > MAX_BYTES.all;
  if (isAllIdle) lineIndexes.close();
  const kept = new Set(isAllIdle ? [] : used.map(({ id }) => id));
  // Those that were used longest ago first.
  const idle = [...opened.keys()].filter(id => !kept.has(id));
  for (const id of idle.slice(0, isAllIdle ? idle.length : Math.ceil(idle.length / 2))) opened.delete(id);
}

async function run({ raw, code, job, debugFolders }: WindowJob): Promise<readonly Upload[] | Uint8Array> {
  lookInto(debugFolders);
  for (const { id } of debugFiles.outdated(code.map(open))) opened.delete(id);
  const named = { raw, mappings: code.map(open), debugFiles, lineIndexes };
  await debugFiles.prepare(named.mappings, FETCH_MS);
  return job.kind === 'uploads' ? exportWindow(named, job.options) : exportAs(named, job);
}

async function handle(message: ToExporter): Promise<void> {
  if ('forget' in message) {
    for (const id of message.forget) opened.delete(id);
    debugFiles.sweep();
    return;
  }
  const reply = (answer: FromExporter) => parentPort!.postMessage(answer);
  try {
    const result = await run(message);
    reply({ id: message.id, result, notes: debugFiles.takeNotes() });
    lineIndexes.save(false);
  } catch (error) {
    reply({ id: message.id, error: String(error instanceof Error ? error.stack : error) });
  }
  boundMemory(message.code);
}

/** One after the other. */
let handled = Promise.resolve();
parentPort!.on('message', (message: ToExporter) => {
  handled = handled.then(() => handle(message));
});
