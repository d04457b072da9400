import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { packageRoot } from '../../src/package.ts';
import { TableCache } from '../../src/unwind/cache.ts';
import { openBelow, testFolder } from '../support/folder.ts';
import { KEYS, tableOf } from './cache-child.ts';

const path = testFolder();
const isRoot = process.getuid?.() === 0;
const DAY = 86_400;
/** Of a table in a cache, with its blocks. */
const TABLE_BYTES = 3 * 4096;

let count = 0;

/** A cache in a directory of its own, with one table in it. */
function filled(maxBytes?: number) {
  const directory = path(`cache-${count++}`);
  const options = maxBytes === undefined ? { directory } : { directory, maxBytes };
  const cache = new TableCache(options);
  cache.write('key', tableOf(1));
  expect(cache.read('key')).toEqual(tableOf(1));
  const [name] = readdirSync(directory) as [string];
  return { directory, cache, file: join(directory, name), fresh: () => new TableCache(options) };
}

/** Moves a file's last use back. */
function age(file: string, seconds: number): void {
  const time = Date.now() / 1000 - seconds;
  lutimesSync(file, time, time);
}

afterEach(() => {
  vi.unstubAllEnvs();
  expect(openBelow(path())).toEqual([]);
});

describe('what is written is read', () => {
  test('by this and by other processes, until it is written again', () => {
    const { cache, fresh } = filled();
    expect([cache.read('other'), fresh().read('other')]).toEqual([undefined, undefined]);
    expect(fresh().read('key')).toEqual(tableOf(1));
    fresh().write('key', 'absent');
    expect(cache.read('key')).toBe('absent');
    cache.write('key', tableOf(2));
    expect(fresh().read('key')).toEqual(tableOf(2));
  });

  test('nothing is made before the first write; then for the owner only', () => {
    vi.stubEnv('XDG_CACHE_HOME', path('xdg'));
    const cache = new TableCache();
    expect(cache.read('key')).toBeUndefined();
    expect(existsSync(path('xdg'))).toBe(false);
    cache.write('../../key', 'absent');
    expect(cache.read('../../key')).toBe('absent');
    const names = readdirSync(path('xdg/ebpf-profiler/unwind'));
    expect(names).toEqual([expect.stringMatching(/^[0-9a-f]{64}\.table$/)]);
    const mode = (name: string) => statSync(path(name)).mode & 0o777;
    expect(['xdg', 'xdg/ebpf-profiler', 'xdg/ebpf-profiler/unwind'].map(mode)).toEqual([0o700, 0o700, 0o700]);
    expect(mode(`xdg/ebpf-profiler/unwind/${names[0]}`)).toBe(0o600);
  });

  test.each(['', 'relative/path'])('in the home directory when $XDG_CACHE_HOME is %j', configured => {
    vi.stubEnv('XDG_CACHE_HOME', configured);
    vi.stubEnv('HOME', path(`home-${configured.length}`));
    new TableCache().write('key', 'absent');
    expect(readdirSync(path(`home-${configured.length}/.cache/ebpf-profiler/unwind`))).toHaveLength(1);
  });
});

describe('a file that is not believed', () => {
  test.each<[string, (file: string, directory: string) => void]>([
    ['is a symbolic link', file => [renameSync(file, path('moved')), symlinkSync(path('moved'), file)]],
    ['leads nowhere', file => [unlinkSync(file), symlinkSync('nowhere', file)]],
    ['can be written by the group', file => chmodSync(file, 0o620)],
    ['can be written by others', file => chmodSync(file, 0o602)],
    ['is a FIFO', file => [unlinkSync(file), execFileSync('mkfifo', ['-m', '600', file])]],
    ['is a directory', file => [unlinkSync(file), mkdirSync(file)]],
    ['is empty', file => truncateSync(file)],
    ['is cut off', file => truncateSync(file, 1000)],
    [
      'was written for another key',
      (file, directory) => {
        new TableCache({ directory }).write('other', tableOf(2));
        const other = readdirSync(directory).find(name => !file.endsWith(name))!;
        renameSync(join(directory, other), file);
      },
    ],
  ])('%s', (_, harm) => {
    const { cache, file, directory, fresh } = filled();
    harm(file, directory);
    expect([cache.read('key'), fresh().read('key')]).toEqual([undefined, undefined]);
    expect(() => cache.write('key', tableOf(3))).not.toThrow();
    if (existsSync(file) && statSync(file).isDirectory()) return;
    expect(cache.read('key')).toEqual(tableOf(3));
  });

  test('is larger than the whole cache may be', () => {
    const { file, directory } = filled();
    expect(new TableCache({ directory, maxBytes: statSync(file).size - 1 }).read('key')).toBeUndefined();
  });

  test.skipIf(!isRoot)('belongs to another user (needs root)', () => {
    const { cache, file } = filled();
    chownSync(file, 1234, 0);
    expect(cache.read('key')).toBeUndefined();
  });
});

describe('a directory that is not used', () => {
  test.each<[string, (directory: string) => void]>([
    ['can be written by the group', directory => chmodSync(directory, 0o770)],
    ['can be written by others', directory => chmodSync(directory, 0o1777)],
    [
      'is a symbolic link',
      directory => [renameSync(directory, `${directory}-moved`), symlinkSync(`${directory}-moved`, directory)],
    ],
    ['is a file', directory => [renameSync(directory, `${directory}-moved`), writeFileSync(directory, '')]],
  ])('%s', (_, harm) => {
    const { cache, directory, fresh } = filled();
    harm(directory);
    const names = () => (statSync(directory).isDirectory() ? readdirSync(directory) : []);
    const before = names();
    for (const each of [cache, fresh()]) {
      expect(each.read('key')).toBeUndefined();
      each.write('more', tableOf(2));
      expect(each.read('more')).toBeUndefined();
    }
    expect(names()).toEqual(before);
  });

  test.skipIf(!isRoot)('belongs to another user, or would be made in one that does (needs root)', () => {
    const { cache, directory } = filled();
    chownSync(directory, 1234, 0);
    expect(cache.read('key')).toBeUndefined();
    new TableCache({ directory: join(directory, 'a/b') }).write('key', 'absent');
    expect(readdirSync(directory)).toHaveLength(1);
  });

  test('cannot be made', () => {
    for (const directory of ['/proc/self/cache', '/dev/null/cache', 'a\0b']) {
      const cache = new TableCache({ directory });
      cache.write('key', 'absent');
      expect(cache.read('key')).toBeUndefined();
    }
  });

  test('after a failure nothing is tried for ten minutes', () => {
    const { cache, directory } = filled();
    chmodSync(directory, 0o777);
    cache.write('more', 'absent');
    chmodSync(directory, 0o700);
    cache.write('more', 'absent');
    expect(cache.read('more')).toBeUndefined();
    expect(cache.read('key')).toEqual(tableOf(1));
    const now = performance.now();
    const clock = vi.spyOn(performance, 'now').mockReturnValue(now + 600_001);
    cache.write('more', 'absent');
    clock.mockRestore();
    expect(cache.read('more')).toBe('absent');
  });
});

describe('the limit', () => {
  const keys = (cache: TableCache) =>
    Array.from({ length: 10 }, (_, i) => i).filter(i => cache.read(`${i}`) !== undefined);

  /** A cache with the tables 0, 1, 2 …, of which the first was used longest ago. */
  function aged(tables: number, maxBytes: number) {
    const directory = path(`cache-${count++}`);
    const files: string[] = [];
    for (let i = 0; i < tables; i++) {
      new TableCache({ directory }).write(`${i}`, tableOf(i));
      files.push(join(directory, readdirSync(directory).find(name => !files.includes(join(directory, name)))!));
    }
    for (const [i, file] of files.entries()) age(file, (20 - i) * DAY);
    return { directory, files, cache: new TableCache({ directory, maxBytes }) };
  }

  test('what was used longest ago goes first, and reading is use', () => {
    const { cache } = aged(5, 4 * TABLE_BYTES);
    cache.read('0');
    cache.read('2');
    cache.write('9', tableOf(9));
    expect(keys(cache)).toEqual([0, 2, 4, 9]);
    cache.write('8', tableOf(8));
    expect(keys(cache)).toHaveLength(4);
    expect(cache.read('8')).toEqual(tableOf(8));
  });

  test('time is written once a day', () => {
    const { cache, files } = aged(2, 10 * TABLE_BYTES);
    age(files[0]!, DAY - 100);
    const before = files.map(file => statSync(file).mtimeMs);
    expect(keys(cache)).toEqual([0, 1]);
    const after = files.map(file => statSync(file).mtimeMs);
    expect(after[0]).toBe(before[0]);
    expect(after[1]).toBeGreaterThan(Date.now() - 60_000);
  });

  test('files from the future are old ones', () => {
    const { cache, files } = aged(4, 4 * TABLE_BYTES);
    age(files[3]!, -1000 * DAY);
    cache.write('9', tableOf(9));
    expect(keys(cache)).toEqual([0, 1, 2, 9]);
  });

  test('a table that alone is above it is not written', () => {
    const { cache } = aged(2, TABLE_BYTES - 1);
    cache.write('9', tableOf(9));
    expect(keys(new TableCache({ directory: path(`cache-${count - 1}`) }))).toEqual([0, 1]);
  });

  test('what is small takes a block', () => {
    const directory = path(`cache-${count++}`);
    const cache = new TableCache({ directory, maxBytes: 20 * 4096 });
    for (let i = 0; i < 50; i++) cache.write(`${i}`, 'absent');
    expect(readdirSync(directory).length).toBeLessThanOrEqual(20);
    expect(readdirSync(directory).length).toBeGreaterThanOrEqual(19);
  });

  test('what killed writers left goes after an hour, and nothing else does', () => {
    const { cache, directory } = aged(2, TABLE_BYTES);
    const left = `.${'0123456789abcdef'.repeat(2)}.tmp`;
    const names = [left, `${left.slice(0, 9)}f${left.slice(10)}`, 'notes.txt', '.hidden', `${'a'.repeat(64)}.tables`];
    for (const name of names) {
      writeFileSync(join(directory, name), 'x'.repeat(50_000));
      age(join(directory, name), name === names[1] ? 3500 : 3700);
    }
    mkdirSync(join(directory, `${'b'.repeat(64)}.table`));
    symlinkSync(join(directory, 'notes.txt'), join(directory, `${'c'.repeat(64)}.table`));
    cache.write('9', tableOf(9));
    expect(keys(cache)).toEqual([9]);
    const kept = [...names.slice(1), `${'b'.repeat(64)}.table`, `${'c'.repeat(64)}.table`];
    expect(readdirSync(directory)).toEqual(expect.arrayContaining(kept));
    expect(readdirSync(directory)).toHaveLength(kept.length + 1);
  });

  test('a second name of a file elsewhere keeps its content', () => {
    const { cache, files } = aged(1, TABLE_BYTES);
    linkSync(files[0]!, path('second'));
    const content = readFileSync(path('second'));
    cache.write('0', tableOf(5));
    expect(readFileSync(path('second'))).toEqual(content);
  });
});

describe('other processes', () => {
  const child = `${packageRoot}dist/test/unwind/cache-child.js`;

  test('read and write the same tables at once', async () => {
    const directory = path('shared');
    const maxBytes = 8 * TABLE_BYTES;
    const children = Array.from({ length: 4 }, (_, seed) => {
      const process_ = spawn(process.execPath, [child, directory, `${maxBytes}`, `${seed}`, '400'], { stdio: 'pipe' });
      let output = '';
      for (const stream of [process_.stdout, process_.stderr])
        stream.on('data', text => {
          output += text;
        });
      return once(process_, 'close').then(([status]) => ({ status, output }));
    });
    for (const { status, output } of await Promise.all(children)) {
      expect(status, output).toBe(0);
      expect(Number(output)).toBeGreaterThan(20);
    }
    const names = readdirSync(directory);
    expect(names.filter(name => !/^[0-9a-f]{64}\.table$/.test(name))).toEqual([]);
    const cache = new TableCache({ directory, maxBytes });
    const tables = Array.from({ length: KEYS }, (_, key) => cache.read(`key ${key}`));
    expect(tables.filter(table => table !== undefined)).toHaveLength(names.length);
    cache.write('last', tableOf(0));
    expect(readdirSync(directory).length).toBeLessThanOrEqual(8);
  });

  test('a disk that becomes full: nothing is said, nothing is left', () => {
    const directory = path('full');
    // A limit for the size of files, in 512 bytes: writing fails after the first part of a table.
    const command = `trap '' XFSZ; ulimit -f 4; exec "$0" "$@"`;
    const output = execFileSync('sh', ['-c', command, process.execPath, child, directory, '1000000', '1', '20']);
    expect(String(output)).toBe('0');
    expect(readdirSync(directory)).toEqual([]);
  });

  const canMount = isRoot && canUnshare();
  test.skipIf(!canMount)('a full disk (needs mount namespaces)', () => {
    mkdirSync(path('small'));
    const command = `mount -t tmpfs -o size=64k,mode=700 none '${path('small')}' && "$0" "$@" && echo && ls -A '${path('small/cache')}'`;
    const args = [child, path('small/cache'), '1000000', '1', '40'];
    const output = execFileSync('unshare', ['-m', 'sh', '-c', command, process.execPath, ...args], {
      encoding: 'utf8',
    });
    const [, ...names] = output.trim().split('\n');
    expect(names.length).toBeGreaterThan(0);
    expect(names.every(name => name.endsWith('.table'))).toBe(true);
  });
});

function canUnshare(): boolean {
  try {
    execFileSync('unshare', ['-m', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
