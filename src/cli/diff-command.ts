/** `profiler diff`: its options. */
import { Command, InvalidArgumentError, Option } from 'commander';
import type { DiffFlags } from './diff.ts';
import { label, when } from './query-command.ts';
import { collect } from './record-flags.ts';

const EXAMPLES = `
Examples:
  profiler diff before.pb.gz after.pb.gz                 the functions that changed most, as a table
  profiler diff before.pb.gz after.pb.gz -o diff.html    both flame graphs as one: red is more, blue is less
  profiler diff --base main-*.pb.gz --head branch-*.pb.gz -o diff.svg -o diff.json
  profiler record -d 10 -p 1234 --format pprof -o - | profiler diff before.pb.gz -
  profiler diff --base main-*.pb.gz --head branch-*.pb.gz --fail-on 'total>3%' --fail-on 'any>10%' -o report.md
  profiler diff --runs profiles --fail-on 'func:parse>5%' --strict -o report.md -o gate.xml -o diff.html -o diff.svg
  profiler diff --base baseline.json --head run-*.pb.gz --fail-on 'self:any>10%' --allow renderPage

Every format that \`profiler convert\` reads can be compared. Functions match by name and file, whatever their lines,
addresses and the hashes in their names. Shares of each side's total are compared, so that recordings of different
length can be; --absolute compares the values.

A RULE is SUBJECT>PERCENT%, with SUBJECT total (what a run costs), any (each function) or func:NAME (the one, with or
without its arguments, or /regular expression/), and self: or inclusive: before it for one of both. It fails only when
the change is shown to be larger: see docs/ci.md. Exit codes: 0 ok or inconclusive, 3 regressed, 4 inconclusive
with --strict. A base that does not exist is a first run, and passes.`;

function percent(value: string): number {
  const number = Number(value);
  if (value.trim() === '' || !(number >= 0 && number <= 100)) {
    throw new InvalidArgumentError('It has to be a number from 0 to 100.');
  }
  return number;
}

function windows(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1 || number > 100) {
    throw new InvalidArgumentError('It has to be a whole number from 1 to 100.');
  }
  return number;
}

export function diffCommand(): Command {
  return new Command('diff')
    .description('what became more and what less between two recordings')
    .argument('[files...]', 'a base and a head; - is standard input')
    .option('--base <files...>', 'profiles from before, a run each, or a baseline file')
    .option('--head <files...>', 'profiles from after')
    .option('--runs <folder>', 'both sides, or the head alone, as `profiler ci run` has recorded them')
    .option(
      '-o, --output <file>',
      'where to write; may repeat; - is standard output (default: a table there)',
      collect,
      [],
    )
    .option('--format <format>', 'text, json, svg, html, pprof, markdown or junit, whatever the file name says')
    .option('--absolute', "compare values, not shares of each side's total", false)
    .addOption(
      new Option('--side <side>', 'pictures: whose values are the widths; with both, what has vanished is drawn too')
        .choices(['head', 'base', 'both'])
        .default('both'),
    )
    .option('--sample-type <type>', 'what to compare of what was counted, such as cpu or alloc_space')
    .option('--min-percent <percent>', 'leave out what has less on both sides', percent, 0)
    .option('--title <text>', 'heading')
    .option('--force', 'compare what was measured differently, or holds no samples', false)
    .option('--fail-on <rule>', "exit with 3 when it got slower: 'total>3%', 'any>10%', …; may repeat", collect, [])
    .option(
      '--floor <points>',
      'functions: smaller changes, in percentage points of the total, count for nothing',
      '0.5pp',
    )
    .option(
      '--allow <name>',
      'function whose change is expected, or a file with a name a line; may repeat',
      collect,
      [],
    )
    .option('--strict', 'exit with 4 when the runs cannot tell', false)
    .option('--link-base <url>', 'Markdown: what stands before the names of the other files in links', '')
    .option('--base-store <folder>', 'base: what a `directory` sink has stored there, a run each')
    .option('--base-service <name>', 'of this service')
    .option('--base-label <name=value>', 'and with this label; may repeat', label, {})
    .option('--base-query <server>', 'base: asked of a server, pyroscope+http://HOST:4040 or parca+http://HOST:7070')
    .option('--base-selector <query>', 'what to ask it for: process_cpu:cpu:nanoseconds:cpu:nanoseconds{…}')
    .option('--base-from <when>', 'of a store or server: beginning (default: a day before the end)', when)
    .option('--base-to <when>', 'end (default: now)', when)
    .option('--base-windows <number>', 'runs that the time of a query is cut into', windows, 5)
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .action(async (files: readonly string[], flags: DiffFlags) => {
      const { diff } = await import('./diff.ts');
      process.exitCode = await diff(files, flags);
    });
}
