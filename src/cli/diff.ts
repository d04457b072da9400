/** `profiler diff`: from two sides of profiles to tables and pictures of what changed, and to a verdict on it. */
import { type Difference, DifferenceBuilder, SIDES, type SideName } from '../diff/difference.ts';
import type { DiffEncodeOptions } from '../diff/format.ts';
import { ExitCode, ProfilerError } from '../errors.ts';
import { baseName } from '../model/profile.ts';
import { writeOutput } from '../sinks/file.ts';
import type { Inputs } from './diff-inputs.ts';
import { type DiffOutput, findDiffOutputs } from './diff-outputs.ts';
import {
  exitCodeOf,
  factsOf,
  type GateFlags,
  gateOf,
  judgeRuns,
  type RunFacts,
  type SideFacts,
  sayVerdict,
} from './gate.ts';
import { findInputs, type InputFlags } from './gate-inputs.ts';
import { bold, red, say, yellow } from './terminal.ts';

/** The command line as commander hands it over. */
export interface DiffFlags extends InputFlags, GateFlags {
  readonly output: readonly string[];
  readonly format?: string;
  readonly absolute: boolean;
  readonly side: DiffEncodeOptions['side'];
  readonly sampleType?: string;
  readonly minPercent: number;
  readonly title?: string;
  readonly linkBase: string;
  readonly force: boolean;
}

interface Compared {
  readonly difference: Difference;
  readonly facts: SideFacts;
}

/** One profile at a time, so that their number does not matter for memory. */
async function compare(inputs: Inputs, flags: DiffFlags, isAlone: boolean): Promise<Compared> {
  const facts: Record<SideName, RunFacts[]> = { base: [], head: [] };
  const builder = new DifferenceBuilder({ sampleType: flags.sampleType, force: flags.force || isAlone });
  for (const side of SIDES) {
    for (const input of inputs[side]) {
      const loaded = await input.load();
      facts[side].push(...factsOf(input, loaded));
      if ('profile' in loaded) builder.add(side, input.name, loaded.profile);
      else builder.addShares(side, input.name, loaded.baseline);
    }
  }
  return { difference: builder.done(), facts };
}

function titleOf({ base, head }: Inputs): string {
  const text = (inputs: Inputs['base']) => {
    const first = baseName(inputs[0]?.name ?? 'nothing');
    return inputs.length < 2 ? first : `${first} and ${inputs.length - 1} more`;
  };
  return `${text(base)} → ${text(head)}`;
}

const wantsColours = () => process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';

async function write(outputs: readonly DiffOutput[], encode: (output: DiffOutput) => Iterable<Uint8Array | string>) {
  let exitCode: ExitCode = ExitCode.ok;
  for (const output of outputs) {
    try {
      await writeOutput(output.path, encode(output));
      if (output.path !== '-') say(`wrote ${bold(output.path)}`);
    } catch (error) {
      if (!(error instanceof ProfilerError)) throw error;
      say(`${red('error:')} ${error.message}`);
      exitCode = error.exitCode;
    }
  }
  return exitCode;
}

/** Returns the exit code. @throws ProfilerError when there is nothing that can be compared */
export async function diff(files: readonly string[], flags: DiffFlags): Promise<number> {
  const gate = gateOf(flags);
  const outputs = findDiffOutputs(flags.output, flags.format, gate.rules.length > 0);
  const { inputs, crashed, noBase } = await findInputs(files, flags, gate.rules.length > 0);
  for (const { side, index, status } of crashed) say(red(`${side} run ${index} exited with ${status}: not compared.`));
  const status = crashed[0]?.status ?? 0;
  if (status !== 0 && SIDES.some(side => inputs[side].length === 0)) return status;
  const { difference, facts } = await compare(inputs, flags, noBase !== '');
  const isJudged = gate.rules.length > 0 || outputs.some(({ needsVerdict }) => needsVerdict);
  const verdict = isJudged ? judgeRuns(difference, facts, gate, { noBase, force: flags.force }) : undefined;
  // On a text at standard output they stand there.
  const isTold = outputs.some(({ path, name }) => path === '-' && name === 'text');
  if (!isTold) for (const note of difference.notes) say(yellow(note));
  if (!isTold && verdict && gate.rules.length > 0) sayVerdict(verdict);
  const { absolute, side, minPercent, linkBase, strict, title = titleOf(inputs) } = flags;
  const paths = outputs.filter(({ path }) => path !== '-').map(({ path }) => path);
  const written = await write(outputs, output => {
    const others = paths.filter(path => path !== output.path).map(baseName);
    const colours = output.path === '-' && wantsColours();
    const options = { title, absolute, side, minPercent, colours, linkBase, strict, files: others };
    return output.encode(difference, verdict, options);
  });
  return status || written || (verdict ? exitCodeOf(verdict, strict) : ExitCode.ok);
}
