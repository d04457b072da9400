/**
 * Collapsed (folded) stacks: a line for each distinct stack, `thread;outermost;…;innermost count`, as flamegraph.pl,
 * inferno and speedscope read them. The number counts samples for clock events, else the event itself.
 */
import { type FlameData, FlameKind, layout } from '../../flamegraph/index.ts';
import { ExitCode, ProfilerError } from '../errors.ts';
import type { Profile } from '../model/profile.ts';
import { flameData } from './flame-data.ts';
import type { EncodeOptions, Format } from './format.ts';

/** As stackcollapse-perf.pl --all marks them. */
const SUFFIXES: Partial<Record<number, string>> = {
  [FlameKind.kernel]: '_[k]',
  [FlameKind.jit]: '_[j]',
  [FlameKind.inlined]: '_[i]',
};

/** A name that cannot be taken for a separator or for the end of the line. */
function clean(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  return name.replaceAll(';', ':').replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ') || '[unnamed]';
}

function frameTexts(data: FlameData, annotate: boolean): string[] {
  const { name, kind, length } = data.frames;
  return Array.from({ length }, (_, i) => {
    const text = clean(data.names[name[i]!]!);
    const suffix = (annotate && SUFFIXES[kind[i]!]) || '';
    return text.endsWith(suffix) ? text : text + suffix; // collapsed text that was read may have it already
  });
}

function* encode(profile: Profile, options: EncodeOptions): Iterable<string> {
  const main = profile.sampleTypes.length - 1;
  const value = profile.sampleTypes[main]?.unit === 'nanoseconds' ? 0 : main;
  const data = flameData(profile, { root: true, value });
  if (data.samples.base) {
    throw new ProfilerError('negative-values', 'collapsed text cannot hold the values below zero of this difference.', {
      hint: 'Write it as SVG, HTML or pprof.',
      exitCode: ExitCode.output,
    });
  }
  const tree = layout(data);
  const texts = frameTexts(data, options.annotate);
  const path: string[] = []; // of each depth: the whole line up to there
  for (let node = 1; node < tree.length; node++) {
    const depth = tree.depth[node]!;
    const text = texts[tree.frame[node]!]!;
    path[depth] = depth > 1 ? `${path[depth - 1]};${text}` : text;
    if (tree.self[node]! > 0) yield `${path[depth]} ${Math.round(tree.self[node]!)}\n`;
  }
}

export const collapsed: Format = {
  name: 'collapsed',
  description: 'collapsed stacks, one line each, for flamegraph.pl, inferno and speedscope',
  extensions: ['.collapsed', '.folded', '.txt'],
  encode,
};
