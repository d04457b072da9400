/** `profiler query`: its options. */
import { Command, InvalidArgumentError } from 'commander';
import { profilesFolder } from '../store/state-folder.ts';
import type { QueryFlags } from './query.ts';
import { parseWhen } from './query-when.ts';
import { collect } from './record-flags.ts';

const EXAMPLES = `
Examples:
  profiler query                                       what was stored in the last hour, by service
  profiler query --service checkout -o checkout.svg    its last hour as a flame graph
  profiler query --service checkout --from -2h --to -1h -o checkout.pb.gz
  profiler query --from 2026-01-31T10:00Z --to 2026-01-31T10:15Z --label hostname=web-1 -o web-1.html

WHEN is a time as ISO 8601 writes it (without a zone: local time), milliseconds since 1970, now, or the distance
from now: -30s, -15m, -2h, -7d. A profile counts when a part of it lies in between.`;

/** For options: a time, or the error that it is none. */
export function when(value: string): number {
  const time = parseWhen(value, Date.now());
  if (time === undefined)
    throw new InvalidArgumentError('It has to be a time, such as now, -15m or 2026-01-31T10:00Z.');
  return time;
}

/** For options that may repeat: `name=value`. */
export function label(value: string, previous: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const [, name = '', text = ''] = /^([A-Za-z_]\w*)=(.*)$/s.exec(value) ?? [];
  if (name === '') throw new InvalidArgumentError('It has to be a label and its value, such as hostname=web-1.');
  return Object.fromEntries([...Object.entries(previous), [name, text]]);
}

export function queryCommand(): Command {
  return new Command('query')
    .description('what the agent has stored in a folder: a list, or the profiles of a time as one')
    .option('--dir <folder>', 'folder of a `directory` sink', profilesFolder())
    .option('--from <when>', 'beginning (default: an hour before the end)', when)
    .option('--to <when>', 'end (default: now)', when)
    .option('--service <name>', 'only this service')
    .option('--label <name=value>', 'only profiles with this label; may repeat', label, {})
    .option('-o, --output <file>', 'where to write; may repeat; - is standard output', collect, [])
    .option('--format <format>', 'svg, html, pprof or collapsed, whatever the file name says')
    .option('--title <text>', 'heading of the picture')
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .action(async (flags: QueryFlags) => {
      const { query } = await import('./query.ts');
      process.exitCode = await query(flags);
    });
}
