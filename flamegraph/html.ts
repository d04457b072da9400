/**
 * A flame graph as one HTML page that needs no network: data, style and viewer are in it, and a
 * Content-Security-Policy allows these by their hashes and nothing else.
 */

import { body } from './html-body.ts';
import type { HtmlData, HtmlOptions, PageSettings } from './html-data.ts';
import { pack, sampleTypes } from './html-pack.ts';
import { bounded, escapeXml } from './text.ts';
import { script, scriptHash, style, styleHash } from './viewer/html.gen.ts';

/** UTF-16 code units of one fact; facts; bytes that become base64 at a time, a multiple of 3. */
const MAX_TEXT = 2000;
const MAX_FACTS = 200;
const CHUNK = 3 << 14;

const POLICY = [
  "default-src 'none'",
  `script-src ${scriptHash}`,
  `style-src ${styleHash}`,
  "connect-src 'none'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

function* base64(bytes: Uint8Array): Generator<string> {
  for (let at = 0; at < bytes.length; at += CHUNK) {
    yield btoa(String.fromCharCode(...bytes.subarray(at, at + CHUNK)));
  }
}

/** JSON that cannot end the element that it stands in. */
function json(settings: PageSettings): string {
  return JSON.stringify(settings).replaceAll('<', '\\u003c');
}

function settingsOf(data: HtmlData, options: HtmlOptions): PageSettings {
  const types = sampleTypes(data, options.unit ?? 'count');
  const compares = types.some(type => type.base !== undefined);
  return {
    types: types.map(({ type, unit }) => ({ type: bounded(type, 100), unit: bounded(unit, 32) })),
    inverted: options.inverted ?? false,
    theme: options.theme ?? 'auto',
    color: options.color ?? (compares ? 'change' : 'kind'),
    safe: options.colorBlindSafe ?? false,
    normalize: options.normalize ?? true,
    side: options.side ?? 'both',
    gzip: options.compress !== undefined,
  };
}

/**
 * Draws a page, in chunks.
 * @throws RangeError for an index that points nowhere, and a value that is negative or not finite
 */
export function renderHtml(data: HtmlData, options: HtmlOptions = {}): Iterable<string> {
  const bytes = pack(data, options.unit ?? 'count');
  return chunks(options.compress?.(bytes) ?? bytes, data, options);
}

function* chunks(bytes: Uint8Array, data: HtmlData, options: HtmlOptions): Generator<string> {
  const text = (value: string) => escapeXml(bounded(value, MAX_TEXT));
  const title = text(options.title ?? 'Flame graph');
  yield `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
`;
  const facts = (options.facts ?? []).slice(0, MAX_FACTS);
  yield body(title, facts.map(([name, value]) => `<dt>${text(name)}</dt><dd>${text(value)}</dd>\n`).join(''));
  yield `<script type="application/json" id="settings">${json(settingsOf(data, options))}</script>\n`;
  yield '<script type="text/plain" id="data">';
  yield* base64(bytes);
  yield '</script>\n';
  if (data.pprof) {
    yield '<script type="text/plain" id="pprof">';
    yield* base64(data.pprof);
    yield '</script>\n';
  }
  yield `<script>${script}</script>\n</body>\n</html>\n`;
}
