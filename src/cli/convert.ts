/** `profiler convert`: inputs → one profile → what was asked of it → outputs. */
import { createReadStream } from 'node:fs';
import type { SvgOptions } from '../../flamegraph/index.ts';
import { bounded } from '../../flamegraph/text.ts';
import { readProfile } from '../decode/index.ts';
import type { EncodeOptions, TopSort } from '../encode/format.ts';
import { ExitCode, ProfilerError, systemCode } from '../errors.ts';
import { mergeProfiles } from '../model/merge.ts';
import { type Placing, placeTimes } from '../model/merge-times.ts';
import { baseName, type Profile } from '../model/profile.ts';
import { groupBy } from '../transform/by.ts';
import { focus, ignore } from '../transform/focus.ts';
import { hide } from '../transform/hide.ts';
import { minPercent } from '../transform/min-percent.ts';
import type { FramePattern } from '../transform/pattern.ts';
import { reverse } from '../transform/reverse.ts';
import { selectSampleType } from '../transform/sample-type.ts';
import { findOutputs, type Output, writeOutputs } from './outputs.ts';
import { totalSamples } from './summary.ts';
import { bold, say, sayFailure, yellow } from './terminal.ts';

export interface NamedPattern {
  /** As the command line has it. */
  readonly text: string;
  readonly pattern: FramePattern;
}

/** The command line as commander hands it over. */
export interface ConvertFlags {
  readonly output: readonly string[];
  readonly format?: string;
  readonly focus: readonly NamedPattern[];
  readonly ignore: readonly NamedPattern[];
  readonly hide: readonly NamedPattern[];
  readonly sampleType?: string;
  readonly by?: string;
  readonly reverse: boolean;
  /** 0 … 100 */
  readonly minPercent?: number;
  readonly title?: string;
  readonly annotate: boolean;
  readonly topSort: TopSort;
  /** px */
  readonly width?: number;
  readonly colors?: NonNullable<SvgOptions['color']>;
  readonly colorBlindSafe: boolean;
  readonly theme?: NonNullable<SvgOptions['theme']>;
  readonly inverted: boolean;
  readonly quiet: boolean;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of its path is no folder',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
};
/** Formats for people: without -o they go to standard output. */
const TO_READ = ['top', 'tree'];

/** Of an input, in a line that is said. */
const MAX_TEXT = 200;

function nameOf(input: string): string {
  return input === '-' ? 'standard input' : `"${input}"`;
}

async function read(input: string): Promise<Profile> {
  const name = nameOf(input);
  try {
    return await readProfile(input === '-' ? process.stdin : createReadStream(input, { highWaterMark: 2 ** 18 }), name);
  } catch (error) {
    const code = systemCode(error);
    if (error instanceof ProfilerError || code === '') throw error;
    throw new ProfilerError('unreadable', `cannot read ${name}: ${REASONS[code] ?? code}.`, {
      ...(code === 'EACCES' ? { hint: 'Try it with sudo.' } : {}),
      cause: error,
    });
  }
}

/** What there is to know about the times of several profiles as one. */
const PLACINGS: Readonly<Record<Placing, string>> = {
  none: 'Times of samples are left out: not all inputs have them, or they are too many.',
  absolute: '',
  clock: 'Inputs stand where the clock of the machine puts them: they are taken to be of one machine.',
  sequence: 'Inputs stand one after the other in time: they have no common clock.',
};

interface Input {
  readonly profile: Profile;
  /** A sentence, or ''. */
  readonly note: string;
}

/** One profile of all inputs. */
async function readAll(inputs: readonly string[], sampleType: string | undefined): Promise<Input> {
  const profiles: Profile[] = [];
  for (const input of inputs) {
    const profile = await read(input);
    profiles.push(sampleType === undefined ? profile : selectSampleType(profile, sampleType));
  }
  if (profiles.length === 1) return { profile: profiles[0]!, note: '' };
  const isTimed = profiles.some(({ timeline }) => timeline !== undefined);
  // All at once: windows that begin together count once.
  return { profile: mergeProfiles(profiles), note: isTimed ? PLACINGS[placeTimes(profiles).placing] : '' };
}

function checkInputs(inputs: readonly string[]): void {
  if (inputs.filter(input => input === '-').length < 2) return;
  throw new ProfilerError('usage', 'standard input can be read only once.', {
    hint: 'Name - once among the inputs.',
    exitCode: ExitCode.usage,
  });
}

/** Applies a filter, which has to leave something. */
function filtered(profile: Profile, { text }: NamedPattern, option: string, filter: () => Profile): Profile {
  const result = filter();
  if (result.samples.length > 0 || profile.samples.length === 0) return result;
  throw new ProfilerError('nothing-left', `${option} "${text}" leaves no sample.`, {
    hint: '`profiler convert IN --format top` lists the names that there are.',
  });
}

/** What was asked of the profile, in the order that the help tells. */
function transform(input: Profile, flags: ConvertFlags): Profile {
  let profile = input;
  for (const named of flags.focus) {
    profile = filtered(profile, named, '--focus', () => focus(profile, named.pattern));
  }
  for (const named of flags.ignore) {
    profile = filtered(profile, named, '--ignore', () => ignore(profile, named.pattern));
  }
  for (const { pattern } of flags.hide) profile = hide(profile, pattern);
  // From the inside out, threads would keep callers apart.
  const by = flags.by ?? (flags.reverse ? 'none' : undefined);
  if (by !== undefined) profile = groupBy(profile, by);
  if (flags.reverse) profile = reverse(profile);
  if (flags.minPercent !== undefined) profile = minPercent(profile, flags.minPercent);
  return profile;
}

function encodeOptions(profile: Profile, inputs: readonly string[], flags: ConvertFlags): EncodeOptions {
  const { annotate, topSort, width, colors, colorBlindSafe, theme, inverted } = flags;
  return {
    annotate,
    labels: [...new Set(profile.labelSets.flatMap(set => set.map(({ key }) => key)))],
    title: flags.title ?? inputs.map(input => (input === '-' ? 'standard input' : baseName(input))).join(', '),
    topSort,
    svg: {
      inverted,
      colorBlindSafe,
      ...(width === undefined ? {} : { width }),
      ...(colors === undefined ? {} : { color: colors }),
      ...(theme === undefined ? {} : { theme }),
    },
  };
}

function summary(profile: Profile, inputs: number, written: readonly Output[]): void {
  const seconds = profile.durationMs > 0 ? ` of ${(profile.durationMs / 1000).toFixed(1)} s` : '';
  const { type, unit } = profile.sampleTypes[0]!;
  const what = bounded(unit === 'count' ? type : `${unit} of ${type}`, MAX_TEXT);
  say(`${bold(`${totalSamples(profile)} ${what}`)}${seconds}${inputs > 1 ? ` in ${inputs} profiles` : ''}`);
  if (profile.samples.length === 0) say(yellow('There are no samples.'));
  for (const [cause, count] of Object.entries(profile.losses)) {
    if (count > 0) say(yellow(`${bounded(cause, MAX_TEXT)}: ${count}`));
  }
  for (const { path } of written) if (path !== '-') say(`wrote ${bold(path)}`);
}

/** The exit code. @throws ProfilerError for wrong usage, inputs that cannot be read, and filters that leave nothing */
export async function convert(inputs: readonly string[], flags: ConvertFlags): Promise<number> {
  checkInputs(inputs);
  const toRead = flags.output.length === 0 && TO_READ.includes(flags.format ?? '');
  const outputs = findOutputs(toRead ? ['-'] : flags.output, flags.format);
  const { profile: input, note } = await readAll(inputs, flags.sampleType);
  const profile = transform(input, flags);
  const options = encodeOptions(profile, inputs, flags);
  const { written, failures } = await writeOutputs(outputs, profile, options);
  if (!flags.quiet) {
    summary(profile, inputs.length, written);
    if (note !== '') say(note);
  }
  for (const failure of failures) sayFailure(failure);
  return failures.length > 0 ? ExitCode.output : ExitCode.ok;
}
