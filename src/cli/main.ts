#!/usr/bin/env node
/** The command line. Each command's code is loaded when it is run. */
import { Command, CommanderError } from 'commander';
import { exitProcess } from '../capture/addon.ts';
import { ExitCode, ProfilerError } from '../errors.ts';
import { packageVersion } from '../package.ts';
import { agentCommand } from './agent-command.ts';
import { baselineCommand } from './baseline-command.ts';
import { ciCommand } from './ci-command.ts';
import { convertCommand } from './convert-command.ts';
import { diffCommand } from './diff-command.ts';
import { doctorCommand } from './doctor-command.ts';
import { queryCommand } from './query-command.ts';
import { recordCommand } from './record-command.ts';
import { symbolizeCommand } from './symbolize-command.ts';
import { red, say, sayFailure } from './terminal.ts';
import { holdNewSpace } from './v8-flags.ts';

function report(error: unknown): ExitCode {
  if (error instanceof CommanderError) {
    // It has printed its message. Help and version are no failures.
    return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  }
  if (error instanceof ProfilerError) {
    sayFailure(error);
    return error.exitCode;
  }
  const message = error instanceof Error ? error.message : String(error);
  say(`${red('error:')} ${message}\n  This is a bug of the profiler; PROFILER_DEBUG=1 shows where.`);
  if (process.env.PROFILER_DEBUG) say(String(error instanceof Error ? error.stack : error));
  return ExitCode.failure;
}

holdNewSpace();

// Whoever reads may have had enough (`profiler record --help | head`); what writes an output looks after itself.
process.stdout.on('error', () => {});

const program = new Command('profiler')
  .description(
    'Low-overhead sampling profiler for Linux: stacks of any process as flame graphs, pprof, collapsed text.',
  )
  .version(packageVersion(), '-V, --version')
  .exitOverride()
  .addCommand(recordCommand())
  .addCommand(convertCommand())
  .addCommand(diffCommand())
  .addCommand(baselineCommand())
  .addCommand(ciCommand())
  .addCommand(agentCommand())
  .addCommand(queryCommand())
  .addCommand(symbolizeCommand())
  .addCommand(doctorCommand())
  .addHelpText(
    'after',
    `
Exit codes: 0 done, 1 failure, 2 wrong usage, 3 regressed and 4 inconclusive (\`diff --fail-on\`), 5 not permitted or not supported by the kernel,
6 no such target, 7 an output could not be written. \`record -- CMD\` exits as CMD does.`,
  );

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
exitProcess(Number(process.exitCode ?? ExitCode.ok));
