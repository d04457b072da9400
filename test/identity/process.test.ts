import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync, readlinkSync, unlinkSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { parseCgroup } from '../../src/identity/cgroup.ts';
import { readIdentity } from '../../src/identity/process.ts';
import { openBelow, testFolder } from '../support/folder.ts';

const path = testFolder();
const SLEEP = '/bin/sleep';
const children: ReturnType<typeof spawn>[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});

/** A process with this environment; the command reads its standard input for ever. */
function started(env: Record<string, string>, command = 'cat', args: string[] = []) {
  const child = spawn(command, args, { env, stdio: ['pipe', 'ignore', 'ignore'] });
  children.push(child);
  if (child.pid === undefined) throw new Error(`cannot start ${command}`);
  return { child, pid: child.pid };
}

test('of this process', () => {
  const identity = readIdentity(process.pid);
  const { path: cgroup, ...described } = parseCgroup(readFileSync('/proc/self/cgroup', 'utf8'));
  expect(identity).toMatchObject({ pid: process.pid, exe: readlinkSync('/proc/self/exe'), cgroup, ...described });
  expect(identity?.comm).toBe(readFileSync(`/proc/${process.pid}/comm`, 'utf8').trimEnd());
  expect(identity?.kernelThread).toBe(false);
});

test('of a process that is gone, and of none', async () => {
  const { child, pid } = started({}, 'true');
  await once(child, 'exit');
  expect([readIdentity(pid), readIdentity(2 ** 22 + 1), readIdentity(-1)]).toEqual([undefined, undefined, undefined]);
});

test('of an executable that is deleted, with a name that looks like stat', async () => {
  const copy = path('a) R 1 (b');
  copyFileSync(SLEEP, copy);
  const { pid } = started({}, copy, ['1000']);
  await expect.poll(() => readIdentity(pid)?.exe).toBe(copy);
  unlinkSync(copy);
  expect(readIdentity(pid)).toMatchObject({ comm: 'a) R 1 (b', exe: copy, kernelThread: false });
});

// In a container, pid 2 is a process like any other, or none.
const kthreadd = spawnSync('cat', ['/proc/2/comm'], { encoding: 'utf8' }).stdout === 'kthreadd\n';
test.skipIf(!kthreadd)(`of a kernel thread${kthreadd ? '' : ' (skipped: needs the initial pid namespace)'}`, () => {
  expect(readIdentity(2)).toMatchObject({
    comm: 'kthreadd',
    exe: '',
    kernelThread: true,
    serviceFromEnv: undefined,
  });
});

describe('what the environment calls the service', () => {
  test.each<[string, Record<string, string>, string | undefined]>([
    ['nothing', { A: 'x' }, undefined],
    ['OpenTelemetry', { OTEL_SERVICE_NAME: 'cart', DD_SERVICE: 'dd' }, 'cart'],
    [
      'resource attributes',
      { OTEL_RESOURCE_ATTRIBUTES: 'a=b, service.name=my%20cart,c=d', DD_SERVICE: 'dd' },
      'my cart',
    ],
    ['attributes that are not encoded', { OTEL_RESOURCE_ATTRIBUTES: 'service.name=50%' }, '50%'],
    ['attributes without it', { OTEL_RESOURCE_ATTRIBUTES: 'myservice.name=x', DD_SERVICE: 'dd' }, 'dd'],
    ['Datadog', { DD_SERVICE: 'dd' }, 'dd'],
    ['an empty name', { OTEL_SERVICE_NAME: '', DD_SERVICE: 'dd' }, 'dd'],
    ['the name within another', { MY_OTEL_SERVICE_NAME: 'x', A: 'OTEL_SERVICE_NAME=y' }, undefined],
    ['more than 1 KiB', { OTEL_SERVICE_NAME: 'x'.repeat(1025) }, undefined],
    ['the last within 64 KiB', { A: 'x'.repeat(60_000), OTEL_SERVICE_NAME: 'late' }, 'late'],
    ['behind 64 KiB', { A: 'x'.repeat(65_530), OTEL_SERVICE_NAME: 'late' }, undefined],
    ['cut at 64 KiB', { A: 'x'.repeat(65_536 - 28), OTEL_SERVICE_NAME: 'cut_here' }, undefined],
  ])('%s', async (_, env, expected) => {
    const { pid } = started(env);
    await expect.poll(() => readIdentity(pid)?.comm).toBe('cat');
    // Between fork and exec it is still this process.
    expect(readIdentity(pid)?.serviceFromEnv).toBe(expected);
  });
});

test('nothing stays open', () => {
  for (let i = 0; i < 100; i++) readIdentity(process.pid);
  expect(openBelow('/proc/')).toEqual([]);
});
