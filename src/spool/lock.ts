/**
 * A lock that names its holder: a symbolic link `.lock` that leads nowhere, whose target is
 * `<boot id>:<pid>:<start time>:<UUID>`. A link is made whole or not at all, and needs no space for content.
 */
import { randomUUID } from 'node:crypto';
import { readFile, readlink, rename, symlink, unlink } from 'node:fs/promises';
import { ProfilerError, systemCode } from '../errors.ts';
import type { Folder } from './folder.ts';

const NAME = '.lock';

/** Clock ticks after boot, field 22 of /proc/PID/stat (proc(5)); '' where there is no such process, or a dead one. */
async function startTime(pid: string): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? '' : (fields[18] ?? '');
  } catch {
    return '';
  }
}

async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'latin1')).trim();
}

/** What this process holds locks with; different at each call. */
export async function lockToken(): Promise<string> {
  const pid = String(process.pid);
  return [await bootId(), pid, await startTime(pid), randomUUID()].join(':');
}

async function isAlive(token: string): Promise<boolean> {
  const [boot, pid = '', start] = token.split(':');
  if (boot !== (await bootId()) || !/^[0-9]+$/.test(pid)) return false;
  const running = await startTime(pid);
  return running !== '' && running === start;
}

/** The target of the link, or undefined when it is gone or something else. */
async function holderOf(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    if (systemCode(error) === 'EINVAL') return ''; // no link: whoever made it, it was not an agent
    throw error;
  }
}

/**
 * Locks the folder, or finds that `token` has locked it already. The lock of a dead holder is replaced only by who has
 * locked that, with the same name and a `+`: of several that find it dead one goes on.
 * @throws ProfilerError when another living process holds the lock; else as the system does
 */
export async function lock(folder: Folder, token: string, name = NAME): Promise<void> {
  for (;;) {
    try {
      await symlink(token, folder.at(name));
      return;
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
    }
    const holder = await holderOf(folder.at(name));
    if (holder === token) return;
    if (holder === undefined) continue;
    if (await isAlive(holder)) throw locked(folder);
    if (await replace(folder, token, name, holder)) return;
  }
}

/** False when it is no longer the dead holder's. */
async function replace(folder: Folder, token: string, name: string, holder: string): Promise<boolean> {
  const next = `${name}+`;
  await lock(folder, token, next);
  const isTheirs = (await holderOf(folder.at(name))) === holder;
  await (isTheirs ? rename(folder.at(next), folder.at(name)) : unlink(folder.at(next)));
  return isTheirs;
}

function locked(folder: Folder): ProfilerError {
  return new ProfilerError('spool-locked', `${folder.shown} is used by another agent.`, {
    hint: 'Stop the other agent, or give each agent a spool folder of its own.',
  });
}

/** Gives the lock back if it is ours. */
export async function unlock(folder: Folder, token: string): Promise<void> {
  if ((await holderOf(folder.at(NAME))) === token) await unlink(folder.at(NAME));
}
