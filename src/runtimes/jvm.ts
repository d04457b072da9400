/** HotSpot JVMs from 17 on: `Compiler.perfmap` writes the names of all code that is compiled at that moment. */
import { readFileSync } from 'node:fs';
import type { JitFiles } from '../process/jit-files.ts';
import { runDiagnostic } from './jvm-attach.ts';
import type { Runtime } from './runtime.ts';

const SIGQUIT = 3;

export const jvm: Runtime = {
  name: 'jvm',
  async ask(files: JitFiles) {
    if (!files.image.mappings?.some(({ path }) => /\/libjvm\.so$/.test(path))) return false;
    const { pid } = files.process;
    try {
      // SIGQUIT ends a process that does not handle it.
      if (!handles(pid, SIGQUIT)) return `The JVM ${pid} has no perf map: it does not handle SIGQUIT (-Xrs).`;
      await runDiagnostic(files, 'Compiler.perfmap');
      return true;
    } catch (error) {
      return `The JVM ${pid} has no perf map: ${error instanceof Error ? error.message : String(error)}.`;
    }
  },
};

/** Whether a process handles a signal: SigCgt of /proc/PID/status, a mask in hex (proc(5)). */
function handles(pid: number, signal: number): boolean {
  const [, mask = '0'] = /^SigCgt:\t([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
}
