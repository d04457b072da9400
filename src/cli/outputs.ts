/** Where the profile goes, and in which format. */
import { existsSync } from 'node:fs';
import type { EncodeOptions, Format } from '../encode/format.ts';
import { formatByName, formatOfFile } from '../encode/index.ts';
import { ExitCode, ProfilerError } from '../errors.ts';
import type { Profile } from '../model/profile.ts';
import { writeOutput } from '../sinks/file.ts';

export interface Output {
  readonly path: string;
  readonly format: Format;
}

/** `profile.svg`, or `profile-2.svg` and so on: a default name never replaces a file. */
function freshName(extension: string): string {
  for (let n = 1; ; n++) {
    const name = `profile${n > 1 ? `-${n}` : ''}${extension}`;
    if (!existsSync(name)) return name;
  }
}

/** Checked before anything is recorded. Throws a ProfilerError. */
export function findOutputs(paths: readonly string[], formatName: string | undefined): Output[] {
  const forced = formatName === undefined ? undefined : formatByName(formatName);
  if (paths.length === 0) {
    const format = forced ?? formatByName('svg');
    return [{ path: freshName(format.extensions[0] ?? ''), format }];
  }
  const twice = paths.find((path, i) => paths.indexOf(path) !== i);
  if (twice !== undefined) {
    throw new ProfilerError('usage', `"${twice}" is named twice as an output.`, { exitCode: ExitCode.usage });
  }
  return paths.map(path => {
    const format = forced ?? (path === '-' ? formatByName('collapsed') : formatOfFile(path));
    if (path === '-' && format.name === 'pprof' && process.stdout.isTTY) {
      throw new ProfilerError('terminal', 'pprof is binary and standard output is a terminal.', {
        hint: 'Redirect it, or name a file with -o.',
        exitCode: ExitCode.usage,
      });
    }
    return { path, format };
  });
}

/** A bug, or a profile beyond a format's limits; the other outputs are written all the same. */
function encoderFailure({ path, format }: Output, cause: unknown): ProfilerError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ProfilerError('encoder', `cannot make ${format.name} for "${path}": ${reason}`, {
    exitCode: ExitCode.output,
    cause,
  });
}

/** Writes every output that can be written, and says why the others could not be. */
export async function writeOutputs(outputs: readonly Output[], profile: Profile, options: EncodeOptions) {
  const written: Output[] = [];
  const failures: ProfilerError[] = [];
  for (const output of outputs) {
    try {
      await writeOutput(output.path, output.format.encode(profile, options));
      written.push(output);
    } catch (error) {
      failures.push(error instanceof ProfilerError ? error : encoderFailure(output, error));
    }
  }
  return { written, failures };
}
