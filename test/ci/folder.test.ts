import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RunsFolder } from '../../src/ci/folder.ts';
import { runsFile } from '../../src/gate/runs.ts';
import { testFolder } from '../support/folder.ts';

const path = testFolder();
const run = { status: 0, wallMs: 5, cpuMs: 4, metric: 4, metricName: 'cpu ms', rung: 'bpf' } as const;
const how = { event: 'cpu-clock', hz: 999 };

test('a profile for each run, and what they are', async () => {
  const folder = join(path('made'), 'as/needed');
  const runs = new RunsFolder(folder, how);
  await runs.add({ side: 'base', index: 1, ...run }, Buffer.from('one'));
  await runs.add({ side: 'head', index: 1, ...run, metric: null }, Buffer.from('two'));
  const read = runsFile.parse(JSON.parse(readFileSync(join(folder, 'runs.json'), 'utf8')));
  expect(read).toEqual({
    version: 1,
    ...how,
    runs: [
      { side: 'base', index: 1, profile: 'base-1.pb.gz', ...run },
      { side: 'head', index: 1, profile: 'head-1.pb.gz', ...run, metric: null },
    ],
  });
  expect(readFileSync(join(folder, 'base-1.pb.gz'), 'utf8')).toBe('one');
});

test('what an earlier recording left is removed, and nothing else', async () => {
  const folder = path('used');
  await new RunsFolder(folder, how).add({ side: 'base', index: 9, ...run }, Buffer.from('old'));
  for (const name of ['head.svg', 'base-x.pb.gz', 'report.md', 'flame.html']) writeFileSync(join(folder, name), '');
  new RunsFolder(folder, how);
  expect(readdirSync(folder).sort()).toEqual(['base-x.pb.gz', 'head.svg']);
});

test('a folder that cannot be made', () => {
  const file = path('file');
  writeFileSync(file, '');
  expect(() => new RunsFolder(join(file, 'below'), how)).toThrow(/cannot make the folder/);
  expect(existsSync(join(file, 'below'))).toBe(false);
});
