/** What an earlier run has left in the folders. */

import type { Clock } from './clock.ts';
import type { FoundEntry, SpoolDisk } from './disk.ts';
import { SpoolError } from './entry.ts';
import type { Entry } from './queue.ts';

type Log = (message: string) => void;

export interface Recovered {
  /** In order of arrival. */
  readonly entries: readonly Entry[];
  /** The sink of each entry that was damaged and has been removed. */
  readonly lost: readonly string[];
  /** The highest number that a name has. */
  readonly sequence: number;
}

/** The entry of a name, or undefined when nothing can be made of it and it has been removed. */
async function recoverEntry(
  disk: SpoolDisk,
  sink: string,
  { name, size }: FoundEntry,
  { clock, log }: { clock: Clock; log: Log },
): Promise<Entry | undefined> {
  try {
    const { startMs } = await disk.read(sink, name);
    const arrivedMs = clock.now() - Math.max(0, clock.wall() - startMs);
    return { name, startMs, bytes: size, arrivedMs, copies: 1, waiting: new Set([sink]), memory: undefined };
  } catch (error) {
    if (!(error instanceof SpoolError)) throw error;
    log(`The spooled profile ${sink}/${name} is lost: ${error.message}.`);
    await disk.remove(sink, name).catch(() => {});
    return undefined;
  }
}

/**
 * Reads every entry once, however many names it has: what is damaged is found now, not when a backend is back.
 * @throws Error as the system does
 */
export async function recover(disk: SpoolDisk, clock: Clock, log: Log): Promise<Recovered> {
  const known = new Map<string, { readonly entry: Entry; readonly files: Set<string> }>();
  const lost: string[] = [];
  let sequence = 0;
  for (const sink of disk.folders) {
    for (const found of await disk.scan(sink)) {
      sequence = Math.max(sequence, found.sequence);
      const { entry, files } = known.get(found.name) ?? {};
      if (entry && files?.has(found.file)) {
        entry.waiting.add(sink);
        continue;
      }
      const recovered = await recoverEntry(disk, sink, found, { clock, log });
      if (!recovered) lost.push(sink);
      else if (!entry || !files) known.set(found.name, { entry: recovered, files: new Set([found.file]) });
      else {
        entry.waiting.add(sink);
        entry.copies = files.add(found.file).size;
      }
    }
  }
  const entries = [...known.keys()].sort().map(name => known.get(name)!.entry);
  return { entries: inOrder(entries), lost, sequence };
}

/** No entry came after the next one: it is as old as that at least, whatever the wall clock was set to. */
function inOrder(entries: readonly Entry[]): Entry[] {
  let latest = Number.POSITIVE_INFINITY;
  return entries
    .toReversed()
    .map(entry => {
      latest = Math.min(latest, entry.arrivedMs);
      return { ...entry, arrivedMs: latest };
    })
    .toReversed();
}
