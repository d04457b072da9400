import { expect, test } from 'vitest';
import { agentCommand } from '../../src/cli/agent-command.ts';
import { baselineCommand } from '../../src/cli/baseline-command.ts';
import { ciCommand } from '../../src/cli/ci-command.ts';
import { convertCommand } from '../../src/cli/convert-command.ts';
import { diffCommand } from '../../src/cli/diff-command.ts';
import { doctorCommand } from '../../src/cli/doctor-command.ts';
import { queryCommand } from '../../src/cli/query-command.ts';
import { recordCommand } from '../../src/cli/record-command.ts';
import { symbolizeCommand } from '../../src/cli/symbolize-command.ts';
import { captureOutput, out, runCommand } from '../support/command.ts';

captureOutput();

test.each([
  ['agent', agentCommand, []],
  ['baseline', baselineCommand, []],
  ['ci', ciCommand, []],
  ['ci run', ciCommand, ['run']],
  ['convert', convertCommand, []],
  ['diff', diffCommand, []],
  ['doctor', doctorCommand, []],
  ['query', queryCommand, []],
  ['record', recordCommand, []],
  ['symbolize', symbolizeCommand, []],
])('the help of %s has examples', async (name, command, args) => {
  const made = command();
  for (const sub of made.commands) sub.configureOutput({ writeOut: text => process.stdout.write(text) });
  await expect(runCommand(made, [...args, '--help'])).rejects.toMatchObject({ exitCode: 0 });
  const [, examples = ''] = out.split('Examples:\n');
  expect(examples.match(new RegExp(`^  .*profiler ${name}\\b`, 'gm'))?.length).toBeGreaterThanOrEqual(2);
});
