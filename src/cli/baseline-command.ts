/** `profiler baseline`: its options. */
import { Command } from 'commander';
import type { BaselineFlags } from './baseline.ts';

const EXAMPLES = `
Examples:
  profiler baseline profiles/head-*.pb.gz -o baseline.json     a run each
  profiler baseline --runs profiles -o baseline.json           those of the head, with what they cost
  profiler diff --base baseline.json --runs profiles --fail-on 'any>10%'

It is written anew each time. Keep it in the repository, and update it where a change is accepted.`;

export function baselineCommand(): Command {
  return new Command('baseline')
    .description('write or update a baseline file: what `profiler diff --base` compares later runs with')
    .argument('[files...]', 'profiles, a run each')
    .option('--runs <folder>', 'the runs of the head that `profiler ci run` has recorded')
    .option('--sample-type <type>', 'what is compared of what was counted')
    .requiredOption('-o, --output <file>', 'where to write; - is standard output')
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .action(async (files: readonly string[], flags: BaselineFlags) => {
      const { baseline } = await import('./baseline.ts');
      process.exitCode = await baseline(files, flags);
    });
}
