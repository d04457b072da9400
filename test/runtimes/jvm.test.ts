import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { JitFiles } from '../../src/process/jit-files.ts';
import { jvm } from '../../src/runtimes/jvm.ts';
import { image, mapping } from '../support/mappings.ts';

const LIBJVM = mapping(0x1000, 0x2000, { path: '/usr/lib/jvm/java-17/lib/server/libjvm.so' });
let child: ChildProcess | undefined;
let server: Server | undefined;
let files: JitFiles | undefined;
afterEach(() => {
  child?.kill('SIGKILL');
  server?.close();
  files?.close();
  child = server = files = undefined;
});

/** What a process that has mapped libjvm.so answers. */
async function ask(pid: number, mappings = [LIBJVM]): Promise<boolean | string> {
  files = JitFiles.of(image({ pid, mappings }), () => {})!;
  const answer = await jvm.ask!(files);
  return typeof answer === 'string' ? answer.replaceAll(String(pid), 'PID') : answer;
}

function start(command: string, ...args: readonly string[]): ChildProcess & { pid: number } {
  child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  return child as ChildProcess & { pid: number };
}

/** A process that handles SIGQUIT, and a socket as a JVM has it that says this. */
async function standIn(reply: (request: string) => string): Promise<number> {
  const { pid, stdout } = start('sh', '-c', 'trap "" TERM; trap : QUIT; echo ready; while :; do sleep 0.1; done');
  await once(stdout!, 'data');
  server = createServer(socket => {
    socket.on('error', () => {}); // the client has had enough
    let request = '';
    socket.on('data', text => {
      request += text;
      if (request.split('\0').length === 6) socket.end(reply(request));
    });
  });
  server.listen(`/tmp/.java_pid${pid}`);
  await once(server, 'listening');
  return pid;
}

test('a process of another runtime is left alone', async () => {
  const { pid } = start('sleep', '60');
  expect(await ask(pid, [])).toBe(false);
});

test('a JVM that has ended is not asked', async () => {
  const { pid } = start('sleep', '60');
  const answer = ask(pid);
  child!.kill('SIGKILL');
  await answer;
  files!.close();
  await once(child!, 'exit');
  files = JitFiles.of(image({ pid, parentPid: process.pid, mappings: [LIBJVM] }), () => {})!;
  Object.assign(files.process, { startTime: '1' });
  expect(await jvm.ask!(files)).toBe(`The JVM ${pid} has no perf map: it ended before it could be asked.`);
});

test('a JVM below a command writes its map at its end, and older ones do not mind', () => {
  const { JAVA_TOOL_OPTIONS: options } = jvm.environment!([], { JAVA_TOOL_OPTIONS: '-Xmx1g' })!;
  expect(options).toMatch(/^-Xmx1g -XX:\+IgnoreUnrecognizedVMOptions .*-XX:\+DumpPerfMapAtExit/);
});

test('SIGQUIT is not sent to a process that it would end', async () => {
  const { pid } = start('sleep', '60');
  expect(await ask(pid)).toBe('The JVM PID has no perf map: it does not handle SIGQUIT (-Xrs).');
  expect(child!.exitCode ?? child!.signalCode).toBeNull();
  expect(existsSync(`/tmp/.attach_pid${pid}`)).toBe(false);
});

describe('the answer', () => {
  test('of success', async () => {
    let asked = '';
    const pid = await standIn(request => {
      asked = request;
      return '0\nCommand executed successfully\n';
    });
    expect(await ask(pid)).toBe(true);
    expect(asked).toBe('1\0jcmd\0Compiler.perfmap\0\0\0');
  });

  test.each([
    [
      '1\njava.lang.IllegalArgumentException: Unknown diagnostic command\n',
      'java.lang.IllegalArgumentException: Unknown diagnostic command',
    ],
    ['', 'it gave no answer'],
    ['nonsense', 'it gave no answer'],
  ])('of failure: %j', async (reply, reason) =>
    expect(await ask(await standIn(() => reply))).toBe(`The JVM PID has no perf map: ${reason}.`),
  );

  test('without an end is cut off', async () =>
    expect(await ask(await standIn(() => '0\n'.repeat(1 << 20)))).toBe(
      'The JVM PID has no perf map: its answer is too long.',
    ));
});

test('a process that never listens is given up, and nothing is left behind', async () => {
  const { pid, stdout } = start('sh', '-c', 'trap : QUIT; echo ready; while :; do sleep 0.1; done');
  await once(stdout!, 'data');
  expect(await ask(pid)).toBe('The JVM PID has no perf map: it did not listen within 5 s.');
  expect(readdirSync('/tmp').filter(name => name.endsWith(`pid${pid}`))).toEqual([]);
}, 15_000);
