/** `profiler baseline`: from runs to the file that later ones are compared with. */
import { eventOf } from '../diff/comparable.ts';
import { DifferenceBuilder } from '../diff/difference.ts';
import { ExitCode, ProfilerError } from '../errors.ts';
import { type BaselineFacts, encodeBaseline, makeBaseline } from '../gate/baseline.ts';
import { writeOutput } from '../sinks/file.ts';
import { fileInput, type Input, usage } from './diff-inputs.ts';
import { factsOf, type RunFacts } from './gate.ts';
import { readRunsFolder } from './gate-inputs.ts';
import { bold, say } from './terminal.ts';

export interface BaselineFlags {
  readonly runs?: string;
  readonly sampleType?: string;
  readonly output: string;
}

type Measured = Pick<BaselineFacts, 'periodType' | 'period' | 'event'>;

/** @throws ProfilerError when an input is a baseline already */
async function read(inputs: readonly Input[], builder: DifferenceBuilder) {
  const facts: RunFacts[] = [];
  let first: Measured | undefined;
  for (const input of inputs) {
    const loaded = await input.load();
    if (!('profile' in loaded)) throw usage(`"${input.name}" is a baseline.`, 'A baseline is made of profiles.');
    const { profile } = loaded;
    builder.add('head', input.name, profile);
    facts.push(...factsOf(input, loaded));
    first ??= { periodType: profile.periodType, period: profile.period, event: eventOf(profile) };
  }
  return { facts, first };
}

/** Returns the exit code. @throws ProfilerError */
export async function baseline(files: readonly string[], { runs, sampleType, output }: BaselineFlags): Promise<number> {
  const recorded = runs === undefined ? undefined : readRunsFolder(runs);
  if (recorded && recorded.crashed.length > 0) say('Runs whose command failed are left out.');
  const inputs = [...files.map(path => fileInput(path)), ...(recorded?.inputs.head ?? [])];
  const builder = new DifferenceBuilder({ sampleType, force: true });
  const { facts, first } = await read(inputs, builder);
  if (!first) throw usage('there is no profile to make a baseline of.', 'Name profiles, or --runs FOLDER.');
  const difference = builder.done();
  const empty = difference.head.runs.find(({ grandTotal }) => !(grandTotal > 0));
  if (empty) {
    throw new ProfilerError('empty-side', `"${empty.name}" holds no samples.`, { hint: 'Leave it out.' });
  }
  const [name, ...others] = new Set(facts.map(({ metricName }) => metricName));
  const metricName = others.length > 0 ? null : (name ?? null);
  const made = makeBaseline(difference, { ...first, metricName, metrics: facts.map(({ metric }) => metric) });
  await writeOutput(output, encodeBaseline(made));
  if (output !== '-') {
    say(`wrote ${bold(output)}: ${made.runs.length} runs, ${made.functions.length} functions`);
  }
  return ExitCode.ok;
}
