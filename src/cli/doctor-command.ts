/** `profiler doctor`: its options. */
import { Command } from 'commander';

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check what this machine and this user can record, and say what to do about the rest')
    .exitOverride()
    .action(async () => {
      const { doctor } = await import('./doctor.ts');
      process.exitCode = doctor();
    });
}
