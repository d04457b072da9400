/** A Python that writes perf maps. */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The path of a CPython of 3.12 or newer that was built with `-X perf`, on the path or of pyenv; undefined without one. */
export function pythonWithPerf(): string | undefined {
  return [...candidates()].find(path => {
    const script = 'import sys; sys.exit(not sys.is_stack_trampoline_active())';
    const child = spawnSync(path, ['-X', 'perf', '-c', script], { stdio: 'ignore' });
    spawnSync('rm', ['-f', `/tmp/perf-${child.pid}.map`]);
    return child.status === 0;
  });
}

function* candidates(): Generator<string> {
  yield* ['python3', 'python3.12', 'python3.13', 'python3.14'];
  const versions = join(process.env.PYENV_ROOT ?? join(process.env.HOME ?? '/root', '.pyenv'), 'versions');
  if (existsSync(versions)) yield* readdirSync(versions).map(version => join(versions, version, 'bin/python3'));
}
