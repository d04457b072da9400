import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { decodePprof } from '../../src/decode/pprof.ts';
import { packageRoot } from '../../src/package.ts';
import { directory } from '../../src/sinks/directory.ts';
import type { Upload } from '../../src/sinks/sink.ts';
import { findProfiles } from '../../src/store/find.ts';
import { dayOf } from '../../src/store/layout.ts';
import { never, openStore, uploadOf } from '../store/support.ts';
import { testFolder } from '../support/folder.ts';
import { profile } from '../support/profile.ts';

const path = testFolder();
const canMount = process.getuid?.() === 0 && tryMount();
const small = profile('a;f 1');
const HOUR = 3_600_000;
/** Of a small profile with its description. */
const STORED = 2 * 4096;

function tryMount(): boolean {
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

let count = 0;
const fresh = () => path(`store-${count++}`);

function upload(id: string, startMs = Date.now(), service = 's'): Upload {
  return uploadOf({ profile: small, id, service, startMs });
}

const stored = (dir: string) => findProfiles({ dir, from: 0, to: 8e15 }).profiles.map(({ id }) => id);
const files = (dir: string) =>
  readdirSync(dir, { recursive: true, withFileTypes: true }).flatMap(entry => (entry.isFile() ? [entry.name] : []));

describe('options', () => {
  test('what is meant when nothing is said', () =>
    expect(directory.options.parse({ type: 'directory' })).toEqual({
      type: 'directory',
      name: 'directory',
      max_bytes: 2 ** 30,
      max_age: 7 * 24 * HOUR,
    }));

  test.each([{ dir: '' }, { max_bytes: 5 }, { max_bytes: '0B' }, { max_age: 'soon' }, { maxAge: '1h' }, { name: '' }])(
    'refused: %j',
    options => expect(directory.options.safeParse({ type: 'directory', ...options }).success).toBe(false),
  );

  test('as JSON schema', () => {
    const schema = z.toJSONSchema(directory.options, { io: 'input' });
    expect(schema).toMatchObject({ additionalProperties: false, required: ['type'] });
    expect(schema.properties).toMatchObject({ max_bytes: { default: '1GiB', type: 'string' } });
  });

  test('without a folder, profiles lie in the state folder', async () => {
    vi.stubEnv('STATE_DIRECTORY', path('state'));
    try {
      await (await openStore({})).send([upload('one')], never);
    } finally {
      vi.unstubAllEnvs();
    }
    expect(stored(path('state/profiles'))).toEqual(['one']);
  });
});

describe('writing', () => {
  test('a profile and its description, for the owner only', async () => {
    const dir = fresh();
    const startMs = Date.now();
    await (await openStore({ dir })).send([upload('one', startMs, 'a/b')], never);
    const folder = `${dir}/${dayOf(startMs)}/a%2Fb`;
    const names = [`${startMs}-15000-one.json`, `${startMs}-15000-one.pb.gz`];
    expect(readdirSync(folder).sort()).toEqual(names);
    const mode = (name: string) => statSync(name).mode & 0o777;
    expect([dir, join(dir, dayOf(startMs)), folder].map(mode)).toEqual([0o700, 0o700, 0o700]);
    expect(names.map(name => mode(join(folder, name)))).toEqual([0o600, 0o600]);
  });

  test('the same upload again is the same file', async () => {
    const dir = fresh();
    const sink = await openStore({ dir, max_bytes: `${2 * STORED}B` });
    const [one, two] = [upload('one', Date.now() - 1000), upload('two')];
    await sink.send([one, two], never);
    const before = statSync(findProfiles({ dir, from: 0, to: 8e15 }).profiles[0]!.path);
    await sink.send([one], never);
    await sink.send([one, two], never);
    expect(stored(dir)).toEqual(['one', 'two']); // counted once: else the bound would have removed one
    const after = statSync(findProfiles({ dir, from: 0, to: 8e15 }).profiles[0]!.path);
    expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
  });

  test('what can never be stored is rejected', async () => {
    const sink = await openStore({ dir: fresh(), max_bytes: '4KiB' });
    await expect(sink.send([upload('one')], never)).rejects.toMatchObject({ kind: 'rejected' });
    const large = await openStore({ dir: fresh() });
    await expect(large.send([upload('../x')], never)).rejects.toMatchObject({ kind: 'rejected' });
    await expect(large.send([upload('x', Number.NaN)], never)).rejects.toMatchObject({ kind: 'rejected' });
  });

  test('what may work later is told with its reason', async () => {
    const dir = fresh();
    const sink = await openStore({ dir });
    rmSync(dir, { recursive: true });
    writeFileSync(dir, '');
    await expect(sink.send([upload('one')], never)).rejects.toMatchObject({
      kind: 'retry',
      message: expect.stringMatching(/^cannot store profiles in ".*": E(EXIST|NOTDIR)$/),
    });
    rmSync(dir);
    await sink.send([upload('one')], never);
    expect(stored(dir)).toEqual(['one']);
  });

  test('stops when it is told to', async () => {
    const dir = fresh();
    const sink = await openStore({ dir });
    await expect(sink.send([upload('one')], AbortSignal.abort())).rejects.toMatchObject({ kind: 'retry' });
    expect(stored(dir)).toEqual([]);
  });

  test.skipIf(!canMount)(`a full disk leaves nothing behind${canMount ? '' : ' (skipped: needs mount)'}`, async () => {
    const dir = path('full');
    mkdirSync(dir);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', dir]);
    try {
      const sink = await openStore({ dir });
      let error: unknown;
      for (let i = 0; i < 50 && error === undefined; i++) {
        error = await sink.send([upload(`u${i}`, Date.now() + i)], never).catch((cause: unknown) => cause);
      }
      expect(error).toMatchObject({ kind: 'retry', message: expect.stringContaining('ENOSPC') });
      const { profiles, damaged } = findProfiles({ dir, from: 0, to: 8e15 });
      expect([profiles.length > 2, damaged]).toEqual([true, []]);
      expect(files(dir).filter(name => name.endsWith('.tmp'))).toEqual([]);
      for (const { path } of profiles) expect(decodePprof(readFileSync(path)).samples.length).toBe(1);
    } finally {
      execFileSync('umount', [dir]);
    }
  });
});

describe('bounds', () => {
  const many = (n: number, step: number) =>
    Array.from({ length: n }, (_, i) => upload(`u${i}`, Date.now() - (n - i) * step));

  test('the oldest go when the space is used up, over days and services', async () => {
    const dir = fresh();
    const sink = await openStore({ dir, max_bytes: `${5 * STORED}B` });
    const uploads = many(12, 7 * HOUR).map((u, i) => ({ ...u, labels: { service_name: `s${i % 3}` } }));
    for (const [i, one] of uploads.entries()) {
      await sink.send([one], never);
      expect(stored(dir)).toEqual(uploads.slice(Math.max(0, i - 4), i + 1).map(({ id }) => id));
    }
    expect(files(dir)).toHaveLength(10);
    const days = new Set(uploads.slice(-5).map(({ startMs }) => dayOf(startMs)));
    expect(readdirSync(dir).length - days.size).toBeLessThanOrEqual(1); // an emptied day goes with the next look
  });

  test('what comes late is the oldest all the same', async () => {
    const dir = fresh();
    const sink = await openStore({ dir, max_bytes: `${4 * STORED}B` });
    const now = Date.now();
    const order = [50, 40, 60, 10, 55, 45, 70, 20, 65];
    for (const minute of order) await sink.send([upload(`u${minute}`, now - (100 - minute) * 60_000)], never);
    expect(stored(dir)).toEqual(['u55', 'u60', 'u65', 'u70']);
  });

  test('by age', async () => {
    const dir = fresh();
    const sink = await openStore({ dir, max_age: '24h' });
    await sink.send(many(6, 10 * HOUR), never);
    expect(stored(dir)).toEqual(['u4', 'u5']);
  });

  test('what is there at the start counts', async () => {
    const dir = fresh();
    await (await openStore({ dir })).send(many(6, 60_000), never);
    const again = await openStore({ dir, max_bytes: `${4 * STORED}B` });
    await again.send([upload('new')], never);
    expect(stored(dir)).toEqual(['u3', 'u4', 'u5', 'new']);
  });

  test('files of others stay', async () => {
    const dir = fresh();
    await (await openStore({ dir })).send(many(2, 60_000), never);
    writeFileSync(join(dir, 'README'), '');
    mkdirSync(join(dir, '2020-01-01/s'), { recursive: true });
    writeFileSync(join(dir, '2020-01-01/s/notes.txt'), '');
    symlinkSync('/', join(dir, '2020-01-01/link'));
    await (await openStore({ dir, max_bytes: `${STORED}B` })).send([upload('new')], never);
    expect(stored(dir)).toEqual(['new']);
    expect(existsSync(join(dir, 'README')) && existsSync(join(dir, '2020-01-01/s/notes.txt'))).toBe(true);
  });

  test('what killed writers have left goes after an hour', async () => {
    const dir = fresh();
    await (await openStore({ dir })).send([upload('one')], never);
    const folder = join(dir, dayOf(Date.now()), 's');
    const young = [`.${'0'.repeat(32)}.tmp`, '1-2-young.json'];
    const old = [`.${'1'.repeat(32)}.tmp`, '1-2-old.json'];
    const others = ['other.json', '.other.tmp'];
    for (const name of [...young, ...old, ...others]) {
      const time = (Date.now() - (young.includes(name) ? 0 : 2 * HOUR)) / 1000;
      writeFileSync(join(folder, name), '');
      utimesSync(join(folder, name), time, time);
    }
    await openStore({ dir });
    expect(
      readdirSync(folder)
        .filter(name => !name.includes('-15000-'))
        .sort(),
    ).toEqual([...young, ...others].sort());
    expect(stored(dir)).toEqual(['one']);
  });
});

describe('a writer that is killed', () => {
  const child = `${packageRoot}dist/test/store/store-child.js`;

  test('has stored whole what it said it has, and nothing in part', { timeout: 120_000 }, async () => {
    const dir = path('killed');
    const said: string[] = [];
    for (let round = 0; round < 12; round++) {
      const writer = spawn(process.execPath, [child, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
      let text = '';
      const target = 3 + 5 * round;
      writer.stdout.on('data', chunk => {
        text += chunk;
        if (text.split('\n').length > target) writer.kill('SIGKILL');
      });
      await once(writer, 'close');
      said.push(...text.split('\n').slice(0, -1));
    }
    const { profiles, damaged } = findProfiles({ dir, from: 0, to: 8e15 });
    expect(damaged).toEqual([]);
    const ids = profiles.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(said.filter(id => !ids.includes(id))).toEqual([]);
    expect(ids.length - said.length).toBeLessThanOrEqual(12); // stored, and killed before it was said
    for (const { path } of profiles) expect(decodePprof(readFileSync(path)).samples.length).toBe(500);
  });
});
