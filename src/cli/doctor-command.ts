/** `profiler doctor`: its options. */
import { Command } from 'commander';

const EXAMPLES = `
Examples:
  sudo profiler doctor
  profiler doctor --unwind /usr/bin/node
  sudo profiler doctor --unwind 1234`;

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check what this machine and this user can record, and say what to do about the rest')
    .option('--unwind <file|pid>', 'how stacks are walked through the code of a file or of a process')
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .action(async ({ unwind }: { unwind?: string }) => {
      if (unwind === undefined) {
        const { doctor } = await import('./doctor.ts');
        process.exitCode = doctor();
      } else {
        const { doctorUnwind } = await import('./doctor-unwind.ts');
        process.exitCode = doctorUnwind(unwind);
      }
    });
}
