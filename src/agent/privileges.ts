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
  loadAddon().confine(keep, process.execPath, [process.argv0, ...process.execArgv, ...process.argv.slice(1)]);
}
