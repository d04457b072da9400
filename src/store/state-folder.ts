/** Where a service keeps what has to outlive it. */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** systemd's choice (systemd.exec(5): a list), else the system's for root, else the user's (XDG base directories). */
export function stateFolder(env: NodeJS.ProcessEnv = process.env, isRoot = process.geteuid?.() === 0): string {
  const [given = ''] = (env.STATE_DIRECTORY ?? '').split(':');
  if (isAbsolute(given)) return given;
  if (isRoot) return '/var/lib/ebpf-profiler';
  const base = env.XDG_STATE_HOME ?? '';
  return join(isAbsolute(base) ? base : join(homedir(), '.local/state'), 'ebpf-profiler');
}

/** Where stored profiles are when nobody says otherwise. */
export function profilesFolder(): string {
  return join(stateFolder(), 'profiles');
}
