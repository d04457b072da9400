/** One HTML page with the flame graph and what there is to know about the recording; it loads nothing. */
import { createHash } from 'node:crypto';
import { bounded, escapeXml } from '../../flamegraph/text.ts';
import type { Profile } from '../model/profile.ts';
import { frameStatistics, unnamedText, unwindingText } from '../model/statistics.ts';
import type { EncodeOptions, Format } from './format.ts';
import { svg } from './svg.ts';

/** UTF-16 code units of one fact, and facts. */
const MAX_TEXT = 2000;
const MAX_FACTS = 200;
const INLINE = /<(style|script)\b[^>]*>(.*?)<\/\1>/gs;
const STYLE = `:root{color-scheme:light dark}body{margin:1em;font:14px/1.5 system-ui,sans-serif}
dl{display:grid;grid-template-columns:max-content 1fr;gap:0 1em}dt{font-weight:bold}dd{margin:0;overflow-wrap:anywhere}
svg{max-width:100%;height:auto}`;

/** Allows the styles and scripts that are in the page, by what they hold, and nothing else from anywhere. */
function policy(texts: readonly { readonly tag: string; readonly content: string }[]): string {
  const sources = (wanted: string) => {
    const hashes = texts.flatMap(({ tag, content }) => {
      return tag === wanted ? [`'sha256-${createHash('sha256').update(content).digest('base64')}'`] : [];
    });
    return hashes.join(' ') || "'none'";
  };
  return `default-src 'none'; style-src ${sources('style')}; script-src ${sources('script')}; base-uri 'none'; form-action 'none'`;
}

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
  return all.filter(([, text]) => text !== '').slice(0, MAX_FACTS);
}

function* encode(profile: Profile, options: EncodeOptions): Iterable<string> {
  const chunks = [...svg.encode(profile, options)].map(String);
  // Names are escaped: a tag in the drawing is one of its own.
  const inline = chunks.flatMap(chunk =>
    [...chunk.matchAll(INLINE)].map(([, tag = '', content = '']) => ({ tag, content })),
  );
  const text = (value: string) => escapeXml(bounded(value, MAX_TEXT));
  yield `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy([{ tag: 'style', content: STYLE }, ...inline])}">
<meta name="viewport" content="width=device-width">
<title>${text(options.title)}</title>
<style>${STYLE}</style>
</head>
<body>
`;
  yield* chunks;
  yield '<dl>\n';
  for (const [name, value] of facts(profile)) yield `<dt>${text(name)}</dt><dd>${text(value)}</dd>\n`;
  yield '</dl>\n</body>\n</html>\n';
}

export const html: Format = {
  name: 'html',
  description: 'page with the flame graph and a summary, opens in a browser',
  extensions: ['.html'],
  encode,
};
