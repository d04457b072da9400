/** The flame graph as an interactive page with what there is to know about the recording; it loads nothing. */
import { gzipSync } from 'node:zlib';
import { renderHtml } from '../../flamegraph/html.ts';
import type { HtmlData, HtmlThreads } from '../../flamegraph/html-data.ts';
import type { Profile } from '../model/profile.ts';
import { frameStatistics, unnamedText, unwindingText } from '../model/statistics.ts';
import { flameData, signedValues } from './flame-data.ts';
import type { EncodeOptions, Format } from './format.ts';
import { encodePprof } from './pprof.ts';

/** A larger pprof would be most of the page: then it is left out, which the page says. Bytes, gzipped. */
const MAX_PPROF = 1 << 20;
/** More tabs are no help: processes instead of threads, or names alone. */
const MAX_THREADS = 100;
const THREAD_LABELS = [['comm', 'pid', 'tid'], ['comm', 'pid'], ['comm']] as const;

function facts(profile: Profile): (readonly [string, string])[] {
  const { samples, startTimeMs, durationMs, losses, unwinding, comments } = profile;
  const totals = profile.sampleTypes.map(({ type, unit }, v) => {
    return [type, `${samples.values[v]!.reduce((sum, value) => sum + value, 0)} ${unit}`] as const;
  });
  const start = new Date(startTimeMs);
  const lost = Object.entries(losses).filter(([, count]) => count > 0);
  const all: (readonly [string, string])[] = [
    ...totals,
    ['start', Number.isNaN(start.getTime()) ? '' : start.toISOString()],
    ['duration', `${(durationMs / 1000).toFixed(1)} s`],
    ...lost.map(([cause, count]) => [cause, String(count)] as const),
    ['stacks', unwindingText(unwinding)],
    ['frames without a name', unnamedText(frameStatistics(profile))],
    ...comments.map(comment => ['comment', comment] as const),
  ];
  return all.filter(([, text]) => text !== '');
}

/** Samples by the given labels, as `comm 12/34`; undefined for too many. */
function grouped({ samples, labelSets }: Profile, keys: readonly string[]): HtmlThreads | undefined {
  const index = new Map<string, number>();
  const ofSet = labelSets.map(set => {
    const [name = '', ...ids] = keys.map(key => String(set.find(label => label.key === key)?.value ?? ''));
    const text = [name, ids.filter(id => id !== '').join('/')].filter(part => part !== '').join(' ');
    if (!index.has(text)) index.set(text, index.size);
    return index.get(text)!;
  });
  if (index.size > MAX_THREADS) return undefined;
  return { names: [...index.keys()], of: samples.labels.slice(0, samples.length).map(set => ofSet[set]!) };
}

function threads(profile: Profile): HtmlThreads | undefined {
  for (const keys of THREAD_LABELS) {
    const groups = grouped(profile, keys);
    if (groups) return groups;
  }
  return undefined;
}

function* encode(profile: Profile, options: EncodeOptions): Iterable<string> {
  const { sampleTypes, samples, timeline } = profile;
  const pprof = gzipSync(encodePprof(profile, options.labels));
  const fits = pprof.length <= MAX_PPROF;
  const values = samples.values.map(signedValues);
  const isDifference = values.some(({ base }) => base !== undefined);
  const none = new Float64Array(samples.length);
  const data: HtmlData = {
    ...flameData(profile, { root: true, value: sampleTypes.length - 1 }),
    sampleTypes: sampleTypes.map((type, i) => ({
      ...type,
      value: values[i]!.value,
      base: isDifference ? (values[i]!.base ?? none) : undefined,
    })),
    threads: threads(profile),
    timeline,
    pprof: fits ? pprof : undefined,
  };
  const { inverted, color, colorBlindSafe, theme } = options.svg ?? {};
  const told = facts(profile);
  if (!fits) told.push(['pprof', `not in this page: ${(pprof.length / 2 ** 20).toFixed(1)} MiB`]);
  yield* renderHtml(data, {
    title: options.title,
    facts: told,
    inverted,
    color,
    colorBlindSafe,
    theme,
    normalize: false,
    compress: bytes => gzipSync(bytes),
  });
}

export const html: Format = {
  name: 'html',
  description: 'page with the flame graph, tables and search, opens in a browser',
  extensions: ['.html'],
  encode,
};
