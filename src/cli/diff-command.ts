/** `profiler diff`: its options. */
import { Command, InvalidArgumentError, Option } from 'commander';
import type { DiffFlags } from './diff.ts';
import { collect } from './record-flags.ts';

const EXAMPLES = `
Examples:
  profiler diff before.pb.gz after.pb.gz                 the functions that changed most, as a table
  profiler diff before.pb.gz after.pb.gz -o diff.html    both flame graphs as one: red is more, blue is less
  profiler diff --base main-*.pb.gz --head branch-*.pb.gz -o diff.svg -o diff.json
  profiler record -d 10 -p 1234 --format pprof -o - | profiler diff before.pb.gz -

Every format that \`profiler convert\` reads can be compared. Functions match by name and file, whatever their lines,
addresses and the hashes in their names. Shares of each side's total are compared, so that recordings of different
length can be; --absolute compares the values.`;

function percent(value: string): number {
  const number = Number(value);
  if (value.trim() === '' || !(number >= 0 && number <= 100)) {
    throw new InvalidArgumentError('It has to be a number from 0 to 100.');
  }
  return number;
}

export function diffCommand(): Command {
  return new Command('diff')
    .description('what became more and what less between two recordings')
    .argument('[files...]', 'a base and a head; - is standard input')
    .option('--base <files...>', 'profiles from before; several count together')
    .option('--head <files...>', 'profiles from after')
    .option(
      '-o, --output <file>',
      'where to write; may repeat; - is standard output (default: a table there)',
      collect,
      [],
    )
    .option('--format <format>', 'text, json, svg or html, whatever the file name says')
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
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .action(async (files: readonly string[], flags: DiffFlags) => {
      const { diff } = await import('./diff.ts');
      process.exitCode = await diff(files, flags);
    });
}
