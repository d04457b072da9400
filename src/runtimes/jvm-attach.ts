/**
 * The attach protocol of HotSpot (src/hotspot/os/posix/attachListener_posix.cpp): a file `.attach_pidN` and SIGQUIT
 * make the JVM listen on the socket `.java_pidN` in its /tmp. A request is a version, a command and three arguments, each
 * with a NUL behind it; the answer a number, 0 for success, a line feed and text.
 */
import { lstatSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { systemCode } from '../errors.ts';
import { startTime } from '../process/identity.ts';
import type { JitFiles } from '../process/jit-files.ts';

/** How long a JVM may take until it listens (at a safepoint), and until it has answered. */
const LISTEN_MS = 5000;
const ANSWER_MS = 10_000;
const POLL_MS = 20;
const MAX_ANSWER = 1 << 20;

/** Runs a diagnostic command (those of `jcmd`) in a JVM, and resolves to what it says. Rejects with why it was not done. */
export async function runDiagnostic(jvm: JitFiles, command: string): Promise<string> {
  const socket = await listen(jvm);
  const answer = await exchange(socket, ['1', 'jcmd', command, '', ''].map(text => `${text}\0`).join(''));
  const [, status = '', text = ''] = /^(-?\d+)\n(.*)$/s.exec(answer) ?? [];
  if (status !== '0') throw new Error(text.trim().split('\n')[0] || 'it gave no answer');
  return text;
}

/** Its socket: undefined when it does not listen, which may be somebody else's when it is no socket of its user. */
function socketOf(path: string, { process: { owners } }: JitFiles): boolean {
  try {
    const stats = lstatSync(path);
    return stats.isSocket() && owners.has(stats.uid);
  } catch {
    return false;
  }
}

/** Makes it listen; resolves to the path of its socket. */
async function listen(jvm: JitFiles): Promise<string> {
  const { pid, ownPid, startTime: started } = jvm.process;
  const socket = jvm.pathOf(`.java_pid${ownPid}`);
  const trigger = jvm.pathOf(`.attach_pid${ownPid}`);
  if (socket === undefined || trigger === undefined) throw new Error('its /tmp cannot be reached');
  if (socketOf(socket, jvm)) return socket;
  try {
    writeFileSync(trigger, '', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error; // of somebody who attaches at the same time
  }
  try {
    if (startTime(pid) !== started) throw new Error('it has ended');
    process.kill(pid, 'SIGQUIT');
    const deadline = performance.now() + LISTEN_MS;
    while (performance.now() < deadline) {
      await new Promise(resolve => setTimeout(resolve, POLL_MS));
      if (socketOf(socket, jvm)) return socket;
    }
    throw new Error(`it did not listen within ${LISTEN_MS / 1000} s`);
  } finally {
    rmSync(trigger, { force: true });
  }
}

function exchange(path: string, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect({ path }, () => socket.write(request));
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(() => fail(new Error(`it did not answer within ${ANSWER_MS / 1000} s`)), ANSWER_MS);
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      answer += text;
      if (answer.length > MAX_ANSWER) fail(new Error('its answer is too long'));
    });
    socket.on('error', fail);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(answer);
    });
  });
}
