import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Child } from '../../src/cli/child.ts';
import { ProfilerError } from '../../src/errors.ts';
import { testFolder } from '../support/folder.ts';

const path = testFolder();

async function run(...command: string[]): Promise<number> {
  const child = new Child(command);
  child.run();
  return child.exited;
}

describe('exit status', () => {
  test.each([
    [['true'], 0],
    [['sh', '-c', 'exit 42'], 42],
    [['sh', '-c', 'kill -TERM $$'], 143],
    [['sh', '-c', 'kill -KILL $$'], 137],
  ])('%j: %i', async (command, status) => expect(await run(...command)).toBe(status));

  test('of a command that is told to end', async () => {
    const child = new Child(['sleep', '60']);
    child.run();
    child.kill('SIGTERM');
    expect(await child.exited).toBe(143);
  });
});

test('arguments arrive as they are', async () => {
  const args = ['', 'a b', '"', "'", '$HOME', '*', '-x', 'two\nlines', 'é'];
  const script = `printf '%s|' "$@" > ${path('args')}`;
  expect(await run('sh', '-c', script, 'sh', ...args)).toBe(0);
  expect(readFileSync(path('args'), 'utf8')).toBe(`${args.join('|')}|`);
});

test('nothing is executed before run, and the command has the process id that was told', async () => {
  const child = new Child(['sh', '-c', `echo $$ > ${path('pid')}`]);
  await new Promise(resolve => setTimeout(resolve, 50));
  expect(existsSync(path('pid'))).toBe(false);
  expect(readFileSync(`/proc/${child.pid}/comm`, 'utf8')).toBe('sh\n');
  child.run();
  expect(await child.exited).toBe(0);
  expect(Number(readFileSync(path('pid'), 'utf8'))).toBe(child.pid);
});

test('the command does not get the descriptor that held it back', async () => {
  expect(await run('sh', '-c', `ls /proc/$$/fd > ${path('fds')}`)).toBe(0);
  expect(readFileSync(path('fds'), 'utf8').split('\n')).not.toContain('3');
});

test('abandoned: nothing is executed', async () => {
  const child = new Child(['touch', path('abandoned')]);
  child.abandon();
  expect(await child.exited).not.toBe(0);
  expect(existsSync(path('abandoned'))).toBe(false);
});

describe('killed before it began', () => {
  test.each(['run', 'abandon'] as const)('%s does no harm', async method => {
    const child = new Child(['touch', path('killed')]);
    child.kill('SIGKILL');
    expect(await child.exited).toBe(137);
    child[method]();
    await new Promise(resolve => setTimeout(resolve, 20));
    expect(existsSync(path('killed'))).toBe(false);
  });

  test('while it is told to run', async () => {
    const child = new Child(['touch', path('killed')]);
    process.kill(child.pid, 'SIGKILL');
    // The kernel has closed the other end, and the event loop does not know yet.
    while (!/^State:\s+Z/m.test(readFileSync(`/proc/${child.pid}/status`, 'utf8')));
    child.run();
    expect(await child.exited).toBe(137);
  });
});

describe('no such command', () => {
  writeFileSync(path('not executable'), '#!/bin/sh\n');

  test.each(['no-such-command-anywhere', './no-such-command', '', '/', '/tmp', 'a\0b', path('not executable')])(
    '%j',
    name => {
      let error: unknown;
      try {
        new Child([name]);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(ProfilerError);
      expect(error).toMatchObject({ code: 'command-not-found', exitCode: 127, message: `no such command: "${name}".` });
    },
  );
});
