/** `profiler convert`: its options. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { parsePattern } from '../transform/pattern.ts';
import type { ConvertFlags, NamedPattern } from './convert.ts';
import { collect } from './record-flags.ts';

const EXAMPLES = `
Examples:
  profiler convert cpu.pb.gz -o cpu.svg -o cpu.html
  profiler convert monday.pb.gz tuesday.pb.gz -o both.svg      several profiles as one
  perf script | profiler convert - -o perf.svg                 from standard input
  profiler convert cpu.pb.gz --format top                      a table, here
  profiler convert heap.pb.gz --sample-type alloc_space -o allocated.svg
  profiler convert cpu.pb.gz --focus '^parse' --hide module:libc --min-percent 1 -o parse.svg
  profiler convert cpu.pb.gz --by process --reverse -o callers.svg

What an input is, its content tells: collapsed stacks, pprof, perf script and others, gzipped or not.
PATTERN is a regular expression for names of functions, or after file: and module: for those of source files and modules.
It is found anywhere in the name, as in 'alloc', '^main$', 'file:\\.go$', 'module:libc'.`;

function pattern(value: string, previous: readonly NamedPattern[]): readonly NamedPattern[] {
  try {
    return [...previous, { text: value, pattern: parsePattern(value) }];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new InvalidArgumentError(`It is no regular expression that can be used: ${error.message}.`);
  }
}

function percent(value: string): number {
  const number = Number(value);
  if (value.trim() === '' || !(number >= 0 && number <= 100)) {
    throw new InvalidArgumentError('It has to be a number from 0 to 100.');
  }
  return number;
}

function width(value: string): number {
  const number = Number(value);
  if (!(number >= 200 && number <= 20_000)) throw new InvalidArgumentError('It has to be a number from 200 to 20000.');
  return number;
}

export function convertCommand(): Command {
  return new Command('convert')
    .description('profiles of any tool in any format: merged, filtered, as pictures, tables and files for other tools')
    .argument('<input...>', 'files to read; - is standard input')
    .option('-o, --output <file>', 'where to write; may repeat; - is standard output', collect, [])
    .option('--format <format>', 'whatever the file names say: svg, html, pprof, collapsed, speedscope, …')
    .option('--focus <pattern>', 'only samples with a frame that matches; may repeat: all have to', pattern, [])
    .option('--ignore <pattern>', 'no samples with a frame that matches; may repeat', pattern, [])
    .option('--hide <pattern>', 'no frames that match: what they call hangs on their callers; may repeat', pattern, [])
    .option('--sample-type <name>', 'which of the values, such as alloc_space (default: all, the last is drawn)')
    .option('--by <what>', 'what stacks stand on: thread, process, cpu, none, or the key of a label')
    .option('--reverse', 'stacks from the inside out: who calls what takes the time', false)
    .option('--min-percent <number>', 'frames of less than this become one on their caller', percent)
    .option('--title <text>', 'heading')
    .option('--annotate', 'collapsed: mark kernel, generated and inlined frames with _[k] _[j] _[i]', false)
    .addOption(new Option('--top-sort <by>', 'order of the table').choices(['flat', 'cum']).default('flat'))
    .option('--width <px>', 'width of the picture', width)
    .addOption(new Option('--colors <by>', 'what colours mean').choices(['kind', 'module', 'name']))
    .option('--color-blind-safe', 'colours that stay apart for people who see fewer hues', false)
    .addOption(new Option('--theme <theme>', 'colours of the picture').choices(['light', 'dark', 'auto']))
    .option('--inverted', 'roots at the top', false)
    .option('-q, --quiet', 'no summary', false)
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .action(async (inputs: string[], flags: ConvertFlags) => {
      const { convert } = await import('./convert.ts');
      process.exitCode = await convert(inputs, flags);
    });
}
