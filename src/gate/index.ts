/** The registry of formats that show what the gate found: a new one is a file and a line here. */
import type { GateFormat } from './format.ts';
import { json } from './json.ts';
import { junit } from './junit.ts';
import { markdown } from './markdown.ts';
import { text } from './text.ts';

export const gateFormats: readonly GateFormat[] = [text, json, junit, markdown];
