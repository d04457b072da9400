/** `profiler diff`: from two sides of profiles to tables and pictures of what changed. */
import { type Difference, DifferenceBuilder, SIDES } from '../diff/difference.ts';
import type { DiffEncodeOptions, DiffFormat } from '../diff/format.ts';
import { diffFormatByName, diffFormatOfFile } from '../diff/index.ts';
import { ExitCode, ProfilerError } from '../errors.ts';
import { baseName } from '../model/profile.ts';
import { writeOutput } from '../sinks/file.ts';
import { findInputs, type Inputs, inputName, readInput } from './diff-inputs.ts';
import { bold, red, say, yellow } from './terminal.ts';

/** The command line as commander hands it over. */
export interface DiffFlags {
  readonly base?: readonly string[];
  readonly head?: readonly string[];
  readonly output: readonly string[];
  readonly format?: string;
  readonly absolute: boolean;
  readonly side: DiffEncodeOptions['side'];
  readonly sampleType?: string;
  readonly minPercent: number;
  readonly title?: string;
  readonly force: boolean;
}

interface DiffOutput {
  readonly path: string;
  readonly format: DiffFormat;
}

function findDiffOutputs(paths: readonly string[], formatName: string | undefined): DiffOutput[] {
  const forced = formatName === undefined ? undefined : diffFormatByName(formatName);
  const twice = paths.find((path, i) => paths.indexOf(path) !== i);
  if (twice !== undefined) {
    throw new ProfilerError('usage', `"${twice}" is named twice as an output.`, { exitCode: ExitCode.usage });
  }
  return (paths.length === 0 ? ['-'] : paths).map(path => {
    return { path, format: forced ?? (path === '-' ? diffFormatByName('text') : diffFormatOfFile(path)) };
  });
}

/** One profile at a time, so that their number does not matter for memory. */
async function compare(inputs: Inputs, flags: DiffFlags): Promise<Difference> {
  const builder = new DifferenceBuilder({ sampleType: flags.sampleType, force: flags.force });
  for (const side of SIDES) {
    for (const path of inputs[side]) builder.add(side, inputName(path), await readInput(path));
  }
  return builder.done();
}

function titleOf({ base, head }: Inputs): string {
  const text = (paths: readonly string[]) => {
    const first = baseName(inputName(paths[0]!));
    return paths.length === 1 ? first : `${first} and ${paths.length - 1} more`;
  };
  return `${text(base)} → ${text(head)}`;
}

const wantsColours = () => process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';

async function write(
  outputs: readonly DiffOutput[],
  difference: Difference,
  options: Omit<DiffEncodeOptions, 'colours'>,
) {
  let exitCode: ExitCode = ExitCode.ok;
  for (const { path, format } of outputs) {
    const colours = path === '-' && wantsColours();
    try {
      await writeOutput(path, format.encode(difference, { ...options, colours }));
      if (path !== '-') say(`wrote ${bold(path)}`);
    } catch (error) {
      if (!(error instanceof ProfilerError)) throw error;
      say(`${red('error:')} ${error.message}`);
      exitCode = error.exitCode;
    }
  }
  return exitCode;
}

/** Returns the exit code. @throws ProfilerError when there is nothing that can be compared */
export async function diff(files: readonly string[], flags: DiffFlags): Promise<ExitCode> {
  const outputs = findDiffOutputs(flags.output, flags.format);
  const inputs = findInputs(files, flags);
  const difference = await compare(inputs, flags);
  // On a text at standard output they stand there.
  const isTold = outputs.some(({ path, format }) => path === '-' && format.name === 'text');
  if (!isTold) for (const note of difference.notes) say(yellow(note));
  const { absolute, side, minPercent, title = titleOf(inputs) } = flags;
  return await write(outputs, difference, { title, absolute, side, minPercent });
}
