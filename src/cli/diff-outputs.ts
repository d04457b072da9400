/** Which formats `profiler diff` writes: those of a difference, and with a verdict those of the gate before them. */
import type { Difference } from '../diff/difference.ts';
import type { DiffFormat } from '../diff/format.ts';
import { diffFormats } from '../diff/index.ts';
import { ExitCode, ProfilerError } from '../errors.ts';
import type { GateEncodeOptions, GateFormat } from '../gate/format.ts';
import { gateFormats } from '../gate/index.ts';
import type { Verdict } from '../gate/verdict.ts';

export interface DiffOutput {
  readonly path: string;
  readonly name: string;
  /** It shows a verdict, even one without rules. */
  readonly needsVerdict: boolean;
  encode(
    difference: Difference,
    verdict: Verdict | undefined,
    options: GateEncodeOptions,
  ): Iterable<Uint8Array | string>;
}

interface Format extends Omit<DiffOutput, 'path'>, Pick<DiffFormat, 'extensions'> {}

function ofDifference({ name, extensions, encode }: DiffFormat): Format {
  return { name, extensions, needsVerdict: false, encode: (difference, _, options) => encode(difference, options) };
}

function ofGate(format: GateFormat): Format {
  const { name, extensions } = format;
  return {
    name,
    extensions,
    needsVerdict: true,
    encode: (difference, verdict, options) => (verdict ? format.encode(verdict, difference, options) : []),
  };
}

/** @param hasRules whether what a difference and the gate can both show is the gate's */
function formats(hasRules: boolean): Format[] {
  const [own, others] = [gateFormats.map(ofGate), diffFormats.map(ofDifference)];
  return hasRules ? [...own, ...others] : [...others, ...own];
}

function unknown(message: string, all: readonly Format[]): ProfilerError {
  const known = new Map(all.map(({ name, extensions }) => [name, `${name} (${extensions.join(' ')})`]));
  const hint = `Known are ${[...known.values()].join(', ')}.`;
  return new ProfilerError('unknown-format', message, { hint, exitCode: ExitCode.usage });
}

/** @throws ProfilerError when a format is not known, or a file is named twice */
export function findDiffOutputs(
  paths: readonly string[],
  formatName: string | undefined,
  hasRules: boolean,
): DiffOutput[] {
  const all = formats(hasRules);
  const byName = (name: string) => {
    const format = all.find(candidate => candidate.name === name);
    if (format) return format;
    throw unknown(`unknown format "${name}" of a difference.`, all);
  };
  const ofFile = (path: string) => {
    const format = all.find(({ extensions }) => extensions.some(extension => path.endsWith(extension)));
    if (format) return format;
    throw unknown(`cannot tell by its extension in which format "${path}" is to show the difference.`, all);
  };
  const twice = paths.find((path, i) => paths.indexOf(path) !== i);
  if (twice !== undefined) {
    throw new ProfilerError('usage', `"${twice}" is named twice as an output.`, { exitCode: ExitCode.usage });
  }
  const forced = formatName === undefined ? undefined : byName(formatName);
  return (paths.length === 0 ? ['-'] : paths).map(path => {
    return { ...(forced ?? (path === '-' ? byName('text') : ofFile(path))), path };
  });
}
