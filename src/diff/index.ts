/** The registry of formats that show a difference: a new one is a file and a line here. */
import type { DiffFormat } from './format.ts';
import { html } from './html.ts';
import { json } from './json.ts';
import { pprof } from './pprof.ts';
import { svg } from './svg.ts';
import { text } from './text.ts';

export const diffFormats: readonly DiffFormat[] = [text, json, svg, html, pprof];
