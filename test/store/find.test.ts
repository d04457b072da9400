import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { findProfiles } from '../../src/store/find.ts';
import { baseNameOf, dayOf, serviceFolder } from '../../src/store/layout.ts';
import { stateFolder } from '../../src/store/state-folder.ts';
import { testFolder } from '../support/folder.ts';
import { profile } from '../support/profile.ts';
import { never, openStore, uploadOf } from './support.ts';

const path = testFolder();
const dir = path('store');
/** Yesterday's, so that nothing is removed by its age. */
const MIDNIGHT = Math.floor(Date.now() / 86_400_000 - 1) * 86_400_000;
const one = profile('a;f 1\na;g 2');

const ids = (from: number, to: number, more: object = {}) =>
  findProfiles({ dir, from: MIDNIGHT + from, to: MIDNIGHT + to, ...more }).profiles.map(({ id }) => id);

beforeAll(async () => {
  const sink = await openStore({ dir });
  const at = (id: string, start: number, service: string, labels = {}, name = 'process_cpu') =>
    uploadOf({ profile: one, id, service, labels, name, startMs: MIDNIGHT + start, durationMs: 1000 });
  await sink.send(
    [
      at('before', -500, 'web', { host: 'x' }),
      at('first', 1000, 'web', { host: 'x' }),
      at('second', 2000, 'web', { host: 'y' }),
      at('other', 2000, 'db/../x', { host: 'x' }),
      at('off', 2000, 'web', { host: 'x' }, 'offcpu'),
    ],
    never,
  );
});

describe('by time', () => {
  test.each<[number, number, string[]]>([
    [-1e6, 1e6, ['before', 'first', 'other', 'second', 'off']],
    [-500, 0, ['before']],
    [0, 500, ['before']],
    [500, 1000, []],
    [499, 1001, ['before', 'first']],
    [1999, 2000, ['first']],
    [2000, 2001, ['other', 'second', 'off']],
    [3000, 4000, []],
    [1500, 1501, ['first']],
    [5e9, 6e9, []],
    [-6e9, -5e9, []],
  ])('%i … %i', (from, to, expected) => expect(ids(from, to).sort()).toEqual(expected.toSorted()));

  test('in order', () => expect(ids(-1e6, 1e6).slice(0, 2)).toEqual(['before', 'first']));
});

test.each<[object, string[]]>([
  [{ service: 'web' }, ['before', 'first', 'off', 'second']],
  [{ service: 'db/../x' }, ['other']],
  [{ service: 'we' }, []],
  [{ labels: { host: 'x' } }, ['before', 'first', 'off', 'other']],
  [{ service: 'web', labels: { host: 'x', __name__: 'process_cpu' } }, ['before', 'first']],
  [{ labels: { host: 'x', zone: '' } }, []],
  [{ labels: { constructor: 'x' } }, []],
])('by %j', (more, expected) => expect(ids(-1e6, 1e6, more).sort()).toEqual(expected));

test('what is known of one', () => {
  const [found] = findProfiles({ dir, from: MIDNIGHT + 1000, to: MIDNIGHT + 1001 }).profiles;
  expect(found).toEqual({
    path: `${dir}/${dayOf(MIDNIGHT)}/web/${MIDNIGHT + 1000}-1000-first.pb.gz`,
    id: 'first',
    startMs: MIDNIGHT + 1000,
    durationMs: 1000,
    name: 'process_cpu',
    labels: { service_name: 'web', host: 'x' },
    sampleTypes: one.sampleTypes,
    samples: 2,
  });
});

test('what is damaged is named, what is something else is left out', async () => {
  const other = path('damaged');
  const sink = await openStore({ dir: other });
  const startMs = Date.now() - 60_000;
  const files = ['none', 'empty', 'text', 'list', 'large', 'fifo', 'fine'];
  await sink.send(
    files.map(id => uploadOf({ profile: one, id, service: 's', startMs })),
    never,
  );
  const folder = `${other}/${dayOf(startMs)}/s`;
  const description = (id: string) => `${folder}/${startMs}-15000-${id}.json`;
  rmSync(description('none'));
  truncateSync(description('empty'));
  writeFileSync(description('text'), '{"name":');
  writeFileSync(description('list'), '[]');
  truncateSync(description('large'), 2 ** 21);
  rmSync(description('fifo'));
  execFileSync('mkfifo', [description('fifo')]);
  writeFileSync(`${folder}/notes.txt`, '');
  writeFileSync(`${folder}/1-2.pb.gz`, '');
  writeFileSync(`${other}/lost+found`, '');
  mkdirSync(`${other}/2026-13`);
  writeFileSync(`${dirname(folder)}/file`, '');
  const { profiles, damaged } = findProfiles({ dir: other, from: startMs, to: startMs + 1 });
  expect(profiles.map(({ id }) => id)).toEqual(['fine']);
  expect(damaged.map(name => name.replace(/^.*15000-|\.pb\.gz$/g, ''))).toEqual(files.slice(0, -1).toSorted());
});

test('a folder that is not there', () =>
  expect(() => findProfiles({ dir: path('nowhere'), from: 0, to: 1 })).toThrow('ENOENT'));

describe('names', () => {
  test.each([
    ['web', 'web'],
    ['nginx.service', 'nginx.service'],
    ['a/b', 'a%2Fb'],
    ['.', '%2E'],
    ['..', '%2E.'],
    ['.hidden', '%2Ehidden'],
    ['a b\n', 'a%20b%0A'],
    ['é', '%C3%A9'],
    ['%2F', '%252F'],
    ['\u0000', '%00'],
    ['', '%'],
  ])('the folder of service %j is %j', (service, folder) => expect(serviceFolder(service)).toBe(folder));

  test('long ones are cut, and still differ', () => {
    const folders = ['a', 'b'].map(end => serviceFolder('é'.repeat(5000) + end));
    expect(folders.map(({ length }) => length)).toEqual([217, 217]);
    expect(folders[0]).not.toBe(folders[1]);
  });

  test.each<[string, number, number, boolean]>([
    ['a-1', 5, 6, true],
    ['a/b', 5, 6, false],
    ['..', 5, 6, false],
    ['', 5, 6, false],
    ['a'.repeat(65), 5, 6, false],
    ['a', -5, 6, false],
    ['a', Number.NaN, 6, false],
    ['a', 1e15, 6, false],
    ['a', 5, Infinity, false],
    ['a', 5.4, 6.5, true],
  ])('id %j at %d for %d', (id, startMs, durationMs, isName) =>
    expect(baseNameOf({ id, startMs, durationMs }) !== undefined).toBe(isName),
  );
});

test.each<[NodeJS.ProcessEnv, boolean, string]>([
  [{ STATE_DIRECTORY: '/var/lib/a' }, false, '/var/lib/a'],
  [{ STATE_DIRECTORY: '/var/lib/a:/var/lib/b' }, true, '/var/lib/a'],
  [{ STATE_DIRECTORY: 'relative' }, true, '/var/lib/ebpf-profiler'],
  [{ XDG_STATE_HOME: '/x' }, true, '/var/lib/ebpf-profiler'],
  [{ XDG_STATE_HOME: '/x' }, false, '/x/ebpf-profiler'],
])('the state folder with %j, root: %j', (env, isRoot, folder) => expect(stateFolder(env, isRoot)).toBe(folder));

test('the test store holds what it was given', () => expect(readdirSync(dir).length).toBe(2));

test('the stored bytes are the uploaded ones', async () => {
  const sink = await openStore({ dir: path('bytes') });
  const upload = uploadOf({ profile: one, service: 's', startMs: Date.now() });
  await sink.send([upload], never);
  const [found] = findProfiles({ dir: path('bytes'), from: upload.startMs, to: upload.startMs + 1 }).profiles;
  expect(readFileSync(found!.path)).toEqual(upload.pprof);
});
