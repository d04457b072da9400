/** The reading side of a folder of stored profiles; it may be written and trimmed meanwhile. */
import { type Dirent, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../errors.ts';
import { type Description, parseDescription } from './description.ts';
import {
  DAY_MS,
  DESCRIPTION_ENDING,
  dayOf,
  isDay,
  PROFILE_ENDING,
  parseName,
  type StoredName,
  serviceFolder,
} from './layout.ts';
import { readRegular } from './read.ts';

const MAX_DESCRIPTION = 1 << 20;

export interface StoredProfile extends StoredName, Description {
  /** Of the gzipped pprof. */
  readonly path: string;
}

export interface FindOptions {
  readonly dir: string;
  /** Milliseconds since the epoch, `from` included, `to` not: a profile counts when its time overlaps. */
  readonly from: number;
  readonly to: number;
  readonly service?: string | undefined;
  /** All have to match; `__name__` is the name of the series. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

export interface Found {
  /** By start. */
  readonly profiles: readonly StoredProfile[];
  /** Paths of profiles whose description is missing or damaged. */
  readonly damaged: readonly string[];
}

/** Entries of a folder; none of one that is gone by now. */
function entries(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

function overlaps({ startMs, durationMs }: StoredName, { from, to }: FindOptions): boolean {
  // A moment without duration is in the time that begins with it.
  return startMs < to && (startMs + durationMs > from || startMs === from);
}

function matches({ name, labels }: Description, { service, labels: wanted = {} }: FindOptions): boolean {
  if (service !== undefined && labels.service_name !== service) return false;
  return Object.entries(wanted).every(([key, value]) => (key === '__name__' ? name : labels[key]) === value);
}

function readDescription(path: string): Description | undefined {
  const bytes = readRegular(path, MAX_DESCRIPTION);
  return bytes && parseDescription(bytes.toString());
}

/** Profiles of a service's folder; `gone`: it was trimmed between two looks. */
function readOne(folder: string, file: string): Description | 'gone' | undefined {
  const base = file.slice(0, -PROFILE_ENDING.length);
  try {
    return readDescription(join(folder, base + DESCRIPTION_ENDING));
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    return entries(folder).some(({ name }) => name === file) ? undefined : 'gone';
  }
}

function findInFolder(folder: string, options: FindOptions, profiles: StoredProfile[], damaged: string[]): void {
  for (const { name: file } of entries(folder)) {
    const stored = parseName(file);
    if (!stored || !overlaps(stored, options)) continue;
    const path = join(folder, file);
    const known = readOne(folder, file);
    if (known === undefined) damaged.push(path);
    else if (known !== 'gone' && matches(known, options)) profiles.push({ path, ...stored, ...known });
  }
}

/**
 * What is stored of a time. A profile of more than a day is found by the two days after its start.
 * @throws Error as the system does, when the folder is missing or cannot be read
 */
export function findProfiles(options: FindOptions): Found {
  const profiles: StoredProfile[] = [];
  const damaged: string[] = [];
  const [first, last] = [dayOf(options.from - DAY_MS), dayOf(options.to)];
  const wanted = options.service === undefined ? undefined : serviceFolder(options.service);
  for (const { name: day } of readdirSync(options.dir, { withFileTypes: true })) {
    if (!isDay(day) || day < first || day > last) continue;
    for (const entry of entries(join(options.dir, day))) {
      if (!entry.isDirectory() || (wanted !== undefined && entry.name !== wanted)) continue;
      findInFolder(join(options.dir, day, entry.name), options, profiles, damaged);
    }
  }
  profiles.sort((a, b) => a.startMs - b.startMs || (a.path < b.path ? -1 : 1));
  return { profiles, damaged: damaged.sort() };
}
