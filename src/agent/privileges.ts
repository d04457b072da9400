/** Least privilege: an agent that was started as root goes on with the capabilities that sampling needs. */
import { readFileSync } from 'node:fs';
import { loadAddon } from '../capture/addon.ts';

/** linux/capability.h, and what each is for. */
const NEEDED: Readonly<Record<string, number>> = {
  dac_read_search: 2, // the executables of other users
  sys_ptrace: 19, // /proc/PID/maps, root, environ of other users
  sys_resource: 24, // locked memory, before Linux 5.11
  syslog: 34, // /proc/kallsyms
  perfmon: 38,
  bpf: 39,
  checkpoint_restore: 40, // /proc/PID/map_files
};

/**
 * mallopt(3): one arena for all threads, and large blocks back to the system when they are freed. 30 MB less after an
 * hour; the allocator reads it once, at the start of a program.
 */
const ALLOCATOR = { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '65536' };

/** The capabilities that this process could ever have (proc(5), CapBnd), as numbers. */
function boundingSet(): number[] {
  const [, hex = '0'] = /^CapBnd:\s*([\da-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  const bits = BigInt(`0x${hex}`);
  return Array.from({ length: 64 }, (_, cap) => cap).filter(cap => ((bits >> BigInt(cap)) & 1n) === 1n);
}

/**
 * Starts this program again without the capabilities that it does not need, when it is root and has more. Before any
 * thread has done anything: capabilities belong to threads, and those of Node.js run already.
 */
export function keepNeededCapabilities(): void {
  const needed = Object.values(NEEDED);
  const held = boundingSet();
  if (process.getuid?.() !== 0 || held.every(cap => needed.includes(cap))) return;
  const keep = held.filter(cap => needed.includes(cap));
  for (const [name, value] of Object.entries(ALLOCATOR)) process.env[name] ??= value;
  loadAddon().confine(keep, process.execPath, [process.argv0, ...process.execArgv, ...process.argv.slice(1)]);
}
