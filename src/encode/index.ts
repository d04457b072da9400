/** The registry of output formats: a new one is a file and a line here. */
import { ExitCode, ProfilerError } from '../errors.ts';
import { collapsed } from './collapsed.ts';
import { firefox } from './firefox.ts';
import type { Format } from './format.ts';
import { html } from './html.ts';
import { json } from './json.ts';
import { pprof } from './pprof.ts';
import { speedscope } from './speedscope.ts';
import { svg } from './svg.ts';
import { top } from './top.ts';
import { tree } from './tree.ts';

/** `json` comes last: its extension is the end of others. */
export const formats: readonly Format[] = [svg, pprof, collapsed, html, speedscope, firefox, top, tree, json];

function known(): string {
  return formats.map(format => `${format.name} (${format.extensions.join(' ')})`).join(', ');
}

export function formatByName(name: string): Format {
  const format = formats.find(f => f.name === name);
  if (format) return format;
  throw new ProfilerError('unknown-format', `unknown format "${name}".`, {
    hint: `Known are ${known()}.`,
    exitCode: ExitCode.usage,
  });
}

/** The format that a file name's extension means. */
export function formatOfFile(path: string): Format {
  const format = formats.find(f => f.extensions.some(extension => path.endsWith(extension)));
  if (format) return format;
  throw new ProfilerError('unknown-format', `cannot tell the format of "${path}" by its extension.`, {
    hint: `Known are ${known()}; or say --format.`,
    exitCode: ExitCode.usage,
  });
}
