/** `profiler doctor`: its options. */
import { Command, Option } from 'commander';
import { collect } from './record-flags.ts';

const EXAMPLES = `
Examples:
  sudo profiler doctor
  profiler doctor --unwind /usr/bin/node
  sudo profiler doctor --unwind 1234
  profiler doctor --symbols /usr/bin/node
  sudo profiler doctor --symbols 1234`;

interface DoctorFlags {
  readonly unwind?: string;
  readonly symbols?: string;
  readonly debugDir: readonly string[];
}

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check what this machine and this user can record, and say what to do about the rest')
    .option('--unwind <file|pid>', 'how stacks are walked through the code of a file or of a process')
    .addOption(
      new Option(
        '--symbols <file|pid>',
        'where names, lines and inlined calls of a file or of a process come from, and what is missing',
      ).conflicts('unwind'),
    )
    .option('--debug-dir <dir>', '--symbols: look for debug files here first; may repeat', collect, [])
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .action(async ({ unwind, symbols, debugDir }: DoctorFlags) => {
      if (unwind !== undefined) {
        const { doctorUnwind } = await import('./doctor-unwind.ts');
        process.exitCode = doctorUnwind(unwind);
      } else if (symbols !== undefined) {
        const { doctorSymbols } = await import('./doctor-symbols.ts');
        process.exitCode = await doctorSymbols(symbols, debugDir);
      } else {
        const { doctor } = await import('./doctor.ts');
        process.exitCode = doctor();
      }
    });
}
