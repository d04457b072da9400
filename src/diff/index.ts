/** The registry of formats that show a difference: a new one is a file and a line here. */
import { ExitCode, ProfilerError } from '../errors.ts';
import type { DiffFormat } from './format.ts';
import { html } from './html.ts';
import { json } from './json.ts';
import { svg } from './svg.ts';
import { text } from './text.ts';

export const diffFormats: readonly DiffFormat[] = [text, json, svg, html];

function unknownFormat(message: string): ProfilerError {
  const known = diffFormats.map(({ name, extensions }) => `${name} (${extensions.join(' ')})`).join(', ');
  return new ProfilerError('unknown-format', message, { hint: `Known are ${known}.`, exitCode: ExitCode.usage });
}

/** @throws ProfilerError */
export function diffFormatByName(name: string): DiffFormat {
  const format = diffFormats.find(candidate => candidate.name === name);
  if (format) return format;
  throw unknownFormat(`unknown format "${name}" of a difference.`);
}

/** The format that a file name's extension means. @throws ProfilerError */
export function diffFormatOfFile(path: string): DiffFormat {
  const format = diffFormats.find(({ extensions }) => extensions.some(extension => path.endsWith(extension)));
  if (format) return format;
  throw unknownFormat(`cannot tell by its extension in which format "${path}" is to show the difference.`);
}
