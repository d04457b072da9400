/**
 * Debug files from debuginfod servers (elfutils, debuginfod(8): GET /buildid/BUILDID/debuginfo). They are asked only
 * where the user names them in $DEBUGINFOD_URLS. What they send is believed when it has the build id that was asked for.
 */

import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { parseElf } from '../elf/elf.ts';
import { FileBytes, openPath } from '../process/files.ts';
import { type Download, DownloadCache, writeAll } from './download-cache.ts';
import { FetchError, fetchBody } from './fetch-body.ts';

export interface DebuginfodOptions {
  /** http or https, without `/buildid/…`. Asked in this order. */
  readonly urls: readonly string[];
  /** Folder of what was fetched. */
  readonly folder: string;
  /** Of all files in the folder. Default 2 GiB. */
  readonly maxCacheBytes?: number;
  /** Larger files are given up. Default 1 GiB. */
  readonly maxFileBytes?: number;
  /** A server that sends nothing for so long is given up for ten minutes. Default 10 s. */
  readonly silenceMs?: number;
  /** One file takes no longer. Default 5 min. */
  readonly totalMs?: number;
}

/** What came of a build id: neither when no server has it. */
export interface Fetched {
  readonly path?: string;
  /** Why it could not be fetched: reads on after a colon. */
  readonly failure?: string;
}

const MAX_AT_ONCE = 4;
/** A server that failed is left alone, and so is a file that could not be fetched. */
const PAUSE_MS = 10 * 60_000;
const MAX_REMEMBERED = 10_000;

/** As elfutils reads them: see debuginfod-client-config(7). undefined when no server is named. */
export function debuginfodOfEnvironment(env: NodeJS.ProcessEnv = process.env): DebuginfodOptions | undefined {
  const urls = (env.DEBUGINFOD_URLS ?? '').split(/\s+/).filter(url => /^https?:\/\/./i.test(url));
  if (urls.length === 0) return undefined;
  const caches = env.XDG_CACHE_HOME ?? '';
  const base = isAbsolute(caches) ? caches : join(homedir(), '.cache');
  const seconds = positive(env.DEBUGINFOD_TIMEOUT);
  const most = positive(env.DEBUGINFOD_MAXTIME);
  const size = positive(env.DEBUGINFOD_MAXSIZE);
  return {
    urls,
    folder: join(base, 'ebpf-profiler', 'debuginfod'),
    ...(seconds ? { silenceMs: seconds * 1000 } : {}),
    ...(most ? { totalMs: most * 1000 } : {}),
    ...(size ? { maxFileBytes: size } : {}),
  };
}

function positive(text: string | undefined): number | undefined {
  const number = Number(text);
  return Number.isSafeInteger(number) && number > 0 && number < 2 ** 31 ? number : undefined;
}

export class Debuginfod {
  readonly #options: DebuginfodOptions;
  readonly #cache: DownloadCache;
  readonly #closed = new AbortController();
  /** By build id: what is under way, or failed not long ago. */
  readonly #fetches = new Map<string, { readonly result: Promise<Fetched>; until: number }>();
  /** By URL: until when it is left alone. */
  readonly #paused = new Map<string, number>();
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(options: DebuginfodOptions) {
    this.#options = options;
    this.#cache = new DownloadCache(options.folder, options.maxCacheBytes ?? 2 * 2 ** 30);
  }

  /** The debug file of a build id. Never rejects; ends with {@link close} at the latest. */
  fetch(buildId: string): Promise<Fetched> {
    const cached = this.#cache.find(buildId);
    if (cached === 'missing') return Promise.resolve({});
    if (cached !== undefined && isWhole(cached, buildId)) return Promise.resolve({ path: cached });
    const known = this.#fetches.get(buildId);
    if (known !== undefined && performance.now() < known.until) return known.result;
    if (this.#fetches.size >= MAX_REMEMBERED) this.#fetches.clear();
    const entry = { result: this.#queued(buildId), until: Number.POSITIVE_INFINITY };
    this.#fetches.set(buildId, entry);
    void entry.result.then(() => {
      entry.until = performance.now() + PAUSE_MS;
    });
    return entry.result;
  }

  /** Gives up what is under way. */
  close(): void {
    this.#closed.abort();
    for (const next of this.#waiting.splice(0)) next();
  }

  async #queued(buildId: string): Promise<Fetched> {
    if (this.#running >= MAX_AT_ONCE) await new Promise<void>(resolve => this.#waiting.push(resolve));
    this.#running++;
    try {
      return await this.#ask(buildId);
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  async #ask(buildId: string): Promise<Fetched> {
    let failure: string | undefined;
    let isMissing = true;
    for (const url of this.#options.urls) {
      if (this.#closed.signal.aborted) return { failure: 'given up' };
      const pausedUntil = this.#paused.get(url) ?? 0;
      if (performance.now() < pausedUntil) {
        isMissing = false;
        failure ??= `${hostOf(url)} did not answer`;
        continue;
      }
      try {
        const path = await this.#download(url, buildId);
        if (path !== undefined) return { path };
      } catch (error) {
        isMissing = false;
        failure = `${hostOf(url)}: ${error instanceof Error ? error.message : error}`;
        if (error instanceof FetchError && error.isServer) this.#paused.set(url, performance.now() + PAUSE_MS);
      }
    }
    if (isMissing) this.#cache.noteMissing(buildId);
    return failure === undefined ? {} : { failure };
  }

  /** The path of the file, undefined when the server does not have it. @throws Error whatever goes wrong */
  async #download(url: string, buildId: string): Promise<string | undefined> {
    const { silenceMs = 10_000, totalMs = 300_000, maxFileBytes = 2 ** 30 } = this.#options;
    const limits = { silenceMs, totalMs, maxBytes: maxFileBytes };
    const download = this.#cache.begin();
    try {
      const address = `${url.replace(/\/+$/, '')}/buildid/${buildId}/debuginfo`;
      const size = await fetchBody(address, limits, this.#closed.signal, bytes => writeAll(download, bytes));
      if (size !== undefined && !hasBuildId(download, size, buildId)) throw new Error('it sent another file');
      if (size !== undefined) return this.#cache.keep(download, buildId);
    } catch (error) {
      this.#cache.discard(download);
      throw error;
    }
    this.#cache.discard(download);
    return undefined;
  }
}

/** A crash of the machine can leave a file without its contents behind. */
function isWhole(path: string, buildId: string): boolean {
  const opened = openPath(path);
  opened?.bytes.close();
  return opened?.elf?.buildId === buildId && opened.elf.sections.length > 0;
}

function hasBuildId({ fd }: Download, size: number, buildId: string): boolean {
  try {
    return parseElf(new FileBytes(fd, size)).buildId === buildId;
  } catch {
    return false;
  }
}

/** Without a path: a server's name is what one recognises. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}
