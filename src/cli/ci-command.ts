/** `profiler ci`: its options. */
import { Command, InvalidArgumentError, Option } from 'commander';
import type { CiRunFlags } from './ci-run.ts';
import { hertz, size } from './record-flags.ts';

const EXAMPLES = `
Examples:
  profiler ci run -o profiles -- npm run bench                        profiles and pictures of five runs
  profiler ci run --base-dir ../base -o profiles -- npm run bench     of two versions, in turns

\`profiler diff --runs profiles --fail-on 'total>3%'\` fails when the head is slower than the base; \`profiler ci run --help\`
has all options.`;

const RUN_EXAMPLES = `
Examples:
  profiler ci run -o profiles -- npm run bench
  profiler ci run --base-dir ../base --runs 10 -o profiles -- npm run bench
  profiler ci run --base-cmd './old --bench' -o profiles -- ./new --bench
  profiler ci run --metric-regex '([\\d.]+) ns/op' --metric-name ns/op -- go test -bench Parse

The sides take turns, so that what else the machine does meets both. The command of a base worktree is the same one,
run there: git worktree add ../base "$(git merge-base HEAD origin/main)".

Runs are recorded by BPF, else by perf_event_open, else (any user, kernel.perf_event_paranoid up to 2) in user mode.
A command that fails ends the recording: its profile is kept, and its status is the exit code.`;

function count(least: number) {
  return (value: string) => {
    const number = Number(value);
    if (!Number.isInteger(number) || number < least || number > 500) {
      throw new InvalidArgumentError(`It has to be a whole number from ${least} to 500.`);
    }
    return number;
  };
}

function pattern(value: string): RegExp {
  try {
    return new RegExp(value);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

function ciRunCommand(): Command {
  return new Command('run')
    .description('record a benchmark or a test run several times, of one or of two versions in turns')
    .argument('<command...>', 'what to run, after --')
    .option('--runs <number>', 'recorded runs of each side', count(1), 5)
    .option('--warmup <number>', 'runs of each side before them, which are not recorded', count(0), 1)
    .option('--base-cmd <command>', 'command of the base, for the shell')
    .option('--base-dir <folder>', 'where the base runs, such as a git worktree of the merge base')
    .addOption(new Option('--metric <metric>', 'what a run costs').choices(['cpu', 'wall']).default('cpu'))
    .option(
      '--metric-regex <regex>',
      'what a run costs is the number that it prints: the first group, in the last line',
      pattern,
    )
    .option('--metric-name <name>', 'and what that number is, such as ns/op')
    .option('--metric-more-is-better', 'it counts work done, not what work costs: its inverse is compared', false)
    .option('-F, --frequency <hz>', 'samples a second on each CPU', hertz, 999)
    .option('-e, --event <event>', 'what to sample (default: cycles, else cpu-clock)')
    .addOption(
      new Option('--capture <how>', 'see profiler record --help')
        .choices(['auto', 'bpf', 'perf', 'perf-user'])
        .default('auto'),
    )
    .addOption(
      new Option('--unwind <how>', 'see profiler record --help').choices(['auto', 'cfi', 'fp']).default('auto'),
    )
    .addOption(
      new Option('--unwind-memory <size>', 'memory for unwind tables, at most')
        .argParser(size)
        .default(64 * 2 ** 20, '64M'),
    )
    .option('-o, --output <folder>', 'where the profiles and runs.json go', 'profiles')
    .addOption(
      new Option('--max-size <size>', 'of a profile; what has the least samples is left out beyond it')
        .argParser(size)
        .default(8 * 2 ** 20, '8M'),
    )
    .option('-q, --quiet', 'no lines of progress', false)
    .addHelpText('after', RUN_EXAMPLES)
    .exitOverride()
    .action(async (command: string[], flags: CiRunFlags) => {
      const { ciRun } = await import('./ci-run.ts');
      process.exitCode = await ciRun(command, flags);
    });
}

export function ciCommand(): Command {
  return new Command('ci')
    .description('recordings for a pipeline')
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .addCommand(ciRunCommand());
}
