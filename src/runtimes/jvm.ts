/** HotSpot JVMs from 17 on: `Compiler.perfmap` writes the names of all code that is compiled at that moment. */
import { readFileSync } from 'node:fs';
import { startTime } from '../process/identity.ts';
import type { JitFiles } from '../process/jit-files.ts';
import { runDiagnostic } from './jvm-attach.ts';
import type { Runtime } from './runtime.ts';

const SIGQUIT = 3;

/** A JVM that ends before it can be asked writes its map then. Older ones do not know how, and are not to mind. */
const OPTIONS = [
  '-XX:+IgnoreUnrecognizedVMOptions',
  '-XX:+UnlockDiagnosticVMOptions',
  '-XX:+DumpPerfMapAtExit',
  '-XX:+PreserveFramePointer',
];

function isJvm({ image }: JitFiles): boolean {
  return image.mappings?.some(({ path }) => /\/libjvm\.so$/.test(path)) ?? false;
}

export const jvm: Runtime = {
  name: 'jvm',
  environment: (_, { JAVA_TOOL_OPTIONS: before = '' }) => ({
    JAVA_TOOL_OPTIONS: [before, ...OPTIONS].filter(Boolean).join(' '),
  }),
  advice: files => (isJvm(files) ? 'Java has no names: --jvm-perfmap asks the JVM for them.' : undefined),
  leftovers: pid => ({ temporary: `perf-${pid}.map` }),
  async ask(files: JitFiles) {
    if (!isJvm(files)) return false;
    const { pid, startTime: started } = files.process;
    if (startTime(pid) !== started) return `The JVM ${pid} has no perf map: it ended before it could be asked.`;
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
