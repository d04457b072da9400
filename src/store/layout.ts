/**
 * Names in a folder of stored profiles: `<day>/<service>/<start>-<duration>-<id>.pb.gz`, times in milliseconds, days of
 * the start in UTC. Beside each lies a description of the same name, `.json`; it is written first, so that a profile
 * without one is damaged, and a description alone is what a writer that was killed has left.
 */
import { createHash } from 'node:crypto';

export const PROFILE_ENDING = '.pb.gz';
export const DESCRIPTION_ENDING = '.json';
export const DAY_MS = 86_400_000;
/** The first millisecond whose year has more than four digits: names would no longer sort by time. */
const END_OF_TIME = Date.UTC(10_000, 0);
/** NAME_MAX is 255 bytes. */
const MAX_NAME = 200;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const FILE = /^(\d{1,15})-(\d{1,15})-([0-9A-Za-z-]{1,64})\.pb\.gz$/;

/** What a file name says. */
export interface StoredName {
  readonly startMs: number;
  readonly durationMs: number;
  readonly id: string;
}

export function isDay(name: string): boolean {
  return DAY.test(name);
}

/** `2026-01-31`; clamped to the years 1970 … 9999. */
export function dayOf(ms: number): string {
  return new Date(Math.min(Math.max(ms, 0), END_OF_TIME - 1)).toISOString().slice(0, 10);
}

/** A folder name for any service: others than letters, digits, `_`, `-` and `.` within are escaped as in a URL. */
export function serviceFolder(service: string): string {
  const bytes = Buffer.from(service);
  const text = bytes.toString('latin1').replace(/[^\w.-]|^\./g, char => {
    return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });
  if (text.length <= MAX_NAME) return text || '%';
  return `${text.slice(0, MAX_NAME)}%${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`;
}

/** The name without its ending, or undefined for what cannot be one: an id or a time that {@link parseName} refuses. */
export function baseNameOf({ startMs, durationMs, id }: StoredName): string | undefined {
  const base = `${Math.round(startMs)}-${Math.round(durationMs)}-${id}`;
  return startMs < END_OF_TIME && parseName(base + PROFILE_ENDING) ? base : undefined;
}

/** undefined for other files. */
export function parseName(name: string): StoredName | undefined {
  const [, start, duration, id = ''] = FILE.exec(name) ?? [];
  return start === undefined ? undefined : { startMs: Number(start), durationMs: Number(duration), id };
}
