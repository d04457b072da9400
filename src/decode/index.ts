/** The registry of input formats: a new one is a file and a line here. The first that knows an input reads it. */
import { ProfilerError } from '../errors.ts';
import type { Profile } from '../model/profile.ts';
import { bpftrace } from './bpftrace.ts';
import { chromeTrace } from './chrome-trace.ts';
import { collapsed } from './collapsed.ts';
import { columnsJson } from './columns-json.ts';
import { cpuprofile } from './cpuprofile.ts';
import { DecodeError } from './error.ts';
import { type Chunks, gunzip, isGzip, peek } from './input.ts';
import { perfScript } from './perf-script.ts';
import { pprof } from './pprof-reader.ts';
import { HEAD_BYTES, type Reader } from './reader.ts';
import { speedscope } from './speedscope.ts';

export type { Reader } from './reader.ts';

export const readers: readonly Reader[] = [
  pprof,
  columnsJson,
  speedscope,
  chromeTrace,
  cpuprofile,
  bpftrace,
  perfScript,
  collapsed,
];

function knownReaders(): string {
  return readers.map(({ description }) => description).join('; ');
}

function unreadable(name: string, reason: string, hint: string): ProfilerError {
  return new ProfilerError('unreadable-profile', `cannot read ${name}: ${reason}`, { hint });
}

/** What is wrong with bytes that no reader knows. */
function unknown(name: string, head: Uint8Array): ProfilerError {
  if (head.length === 0) return unreadable(name, 'it is empty.', 'Was it written completely?');
  if (Buffer.from(head.subarray(0, 7)).toString('latin1') === 'PERFILE') {
    return unreadable(name, 'it is a recording of perf.', `Give the output of "perf script -i ${name}" instead.`);
  }
  return unreadable(name, 'it is of no format that is known.', `Known are: ${knownReaders()}.`);
}

/**
 * Reads a profile of any format, which its content tells, gzipped or not.
 * @param chunks the bytes of the input, in pieces of any size; not used again once they are given
 * @param name of the input, for messages
 * @throws ProfilerError when it is of no known format, damaged, or beyond a limit; what the chunks throw is thrown on
 */
export async function readProfile(chunks: Chunks, name: string): Promise<Profile> {
  const raw = await peek(chunks, 2);
  try {
    return await readUnzipped(isGzip(raw.head) ? gunzip(raw.all) : raw.all, name);
  } finally {
    await raw.close();
  }
}

async function readUnzipped(chunks: Chunks, name: string): Promise<Profile> {
  let reader: Reader | undefined;
  try {
    const { head, all, close } = await peek(chunks, HEAD_BYTES);
    reader = readers.find(candidate => candidate.detect(head));
    if (reader !== undefined) return await reader.read(all).finally(close);
    await close();
    throw unknown(name, head);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const reason = reader === undefined ? error.message : `as ${reader.name}, ${error.message}`;
    throw new ProfilerError('unreadable-profile', `cannot read ${name}: ${reason}`, {
      hint: 'Is it complete, and what the tool wrote?',
      cause: error,
    });
  }
}
