/** Commands of the command line, run within the test. */
import type { Command } from 'commander';
import { beforeEach, vi } from 'vitest';

/** What was written to standard output since the test began. */
export let out = '';
/** And to standard error. */
export let said = '';

/** Keeps what the tests of a file write. */
export function captureOutput(): void {
  beforeEach(() => {
    out = '';
    said = '';
    process.exitCode = undefined;
    vi.restoreAllMocks();
    vi.spyOn(process.stdout, 'write').mockImplementation((text, done?: unknown) => {
      out += text;
      if (typeof done === 'function') done();
      return true;
    });
    vi.spyOn(process.stderr, 'write').mockImplementation(text => {
      said += text;
      return true;
    });
  });
}

/** The exit code of a command with these arguments. */
export async function runCommand(command: Command, args: readonly string[]): Promise<number> {
  try {
    await command
      .configureOutput({ writeErr: text => (said += text), writeOut: text => (out += text) })
      .parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } finally {
    process.exitCode = undefined;
  }
}
