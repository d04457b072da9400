/** Runs the built command line as an ordinary user, which takes root. */
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll } from 'vitest';
import { main, type Run } from './profiler.ts';

const NOBODY = 65534;
const PARANOID = '/proc/sys/kernel/perf_event_paranoid';

/** A command as somebody without any rights. */
export function asNobody(command: readonly string[]): readonly string[] {
  return ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--bounding-set=-all', ...command];
}

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What stands before the command line: another program that runs it. */
  readonly through?: readonly string[];
}

/** `profiler …` as an ordinary user. */
export function profilerAsNobody(args: readonly string[], { cwd, env, through = [] }: RunOptions): Run {
  const [program = '', ...rest] = asNobody([...through, process.execPath, main, ...args]);
  const own = { PATH: process.env.PATH, HOME: cwd, ...env };
  const result = spawnSync(program, rest, { cwd, env: own, encoding: 'utf8' });
  return { status: result.status, signal: result.signal, stdout: result.stdout, stderr: result.stderr };
}

/** A folder that everybody may write into. */
export function openToAll(folder: string): void {
  chmodSync(folder, 0o777);
}

/** Why no ordinary user can record here; '' when one can. */
export const nobodysObstacle = (() => {
  if (process.getuid?.() !== 0) return 'root, to become another user';
  const [program = '', ...rest] = asNobody([process.execPath, main, '--version']);
  if (spawnSync(program, rest).status !== 0) return 'setpriv, and a checkout that others may read';
  const command = ['record', '--capture', 'perf-user', '-q', '-o', '/dev/null', '--format', 'collapsed', '--', 'true'];
  const { status, stderr } = profilerAsNobody(command, { cwd: '/' });
  return status === 0 ? '' : `perf_event_open for users: ${stderr.split('\n')[0]}`;
})();

/** For the tests of a file: kernel.perf_event_paranoid is this where it may be set; else it stays what it is. */
export function withParanoid(level: number): void {
  let before = '';
  beforeAll(() => {
    try {
      before = readFileSync(PARANOID, 'utf8');
      if (Number(before) !== level) writeFileSync(PARANOID, `${level}`);
    } catch {
      before = '';
    }
  });
  afterAll(() => {
    if (before !== '' && Number(before) !== level) writeFileSync(PARANOID, before);
  });
}
