import { CommanderError } from 'commander';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { recordCommand } from '../../src/cli/record-command.ts';
import type { RecordFlags } from '../../src/cli/record-flags.ts';

const said: string[] = [];
beforeEach(() => {
  said.length = 0;
});

/** The flags and the command of `profiler record …`. */
function parse(line: string): { flags: RecordFlags; command: readonly string[] } {
  const action = vi.fn<(command: string[], flags: RecordFlags) => void>();
  recordCommand()
    .action(action)
    .configureOutput({ writeErr: text => said.push(text), writeOut: text => said.push(text) })
    .parse(line.split(' ').filter(Boolean), { from: 'user' });
  const [command, flags] = action.mock.calls[0]!;
  return { command, flags };
}

test('what is meant when nothing is said', () =>
  expect(parse('')).toEqual({
    command: [],
    flags: {
      pid: [],
      tid: [],
      all: false,
      inherit: true,
      frequency: 99,
      user: false,
      kernel: false,
      output: [],
      annotate: false,
      labels: [],
      shortNames: false,
      inlines: true,
      lines: true,
      debugDir: [],
      unwind: 'auto',
      unwindMemory: 64 * 2 ** 20,
      capture: 'auto',
      quiet: false,
      nodeFlags: true,
      jvmPerfmap: false,
    },
  }));

test.each([
  ['-p 1', { pid: [1] }],
  ['-p 1,2,3 -p 4 --pid 4194304', { pid: [1, 2, 3, 4, 4194304] }],
  ['-t 7 --tid 8,9', { tid: [7, 8, 9] }],
  ['-p 007', { pid: [7] }],
  ['-a', { all: true }],
  ['--no-inherit', { inherit: false }],
  ['-F 4999', { frequency: 4999 }],
  ['-F 1e3', { frequency: 1000 }],
  ['-d 0.25', { duration: 0.25 }],
  ['-d 2147483', { duration: 2147483 }],
  ['-o a.svg -o - --output b.pb.gz', { output: ['a.svg', '-', 'b.pb.gz'] }],
  ['--labels pid,tid,comm,cpu', { labels: ['pid', 'tid', 'comm', 'cpu'] }],
  [
    '--cgroup a/b --comm web -e cycles:u --format svg --title T',
    { cgroup: 'a/b', comm: 'web', event: 'cycles:u', title: 'T' },
  ],
  ['-U', { user: true, kernel: false }],
  ['-K', { user: false, kernel: true }],
  ['--unwind cfi --unwind-memory 1.5G', { unwind: 'cfi', unwindMemory: 1.5 * 2 ** 30 }],
  ['--unwind-memory 512K', { unwindMemory: 512 * 2 ** 10 }],
  ['--unwind-memory 16', { unwindMemory: 16 * 2 ** 20 }],
  ['--no-node-flags --jvm-perfmap', { nodeFlags: false, jvmPerfmap: true }],
  ['--no-inlines --no-lines', { inlines: false, lines: false }],
  ['-q --annotate --short-names', { quiet: true, annotate: true, shortNames: true }],
])('%s', (line, expected) => expect(parse(line).flags).toMatchObject(expected));

test.each([
  ['-- make -j8 -o x', ['make', '-j8', '-o', 'x']],
  ['-F 10 -- ls', ['ls']],
  ['-F 10 ls', ['ls']],
])('the command of %s', (line, command) => expect(parse(line).command).toEqual(command));

const ID = 'It is no process or thread id.';
const POSITIVE = 'It has to be a number above 0.';

describe('wrong', () => {
  test.each([
    ['-p 0', ID],
    ['-p -1', ID],
    ['-p 4194305', ID],
    ['-p 1,', ID],
    ['-p 1,,2', ID],
    ['-p 1e3', ID],
    ['-p 0x10', ID],
    ['-t node', ID],
    ['-p 99999999999999999999', ID],
    ['-F 0', POSITIVE],
    ['-F -5', POSITIVE],
    ['-F fast', POSITIVE],
    ['-F Infinity', POSITIVE],
    ['-F 99.5', 'It has to be a whole number of samples a second.'],
    ['-d 0', POSITIVE],
    ['-d NaN', POSITIVE],
    ['-d 10s', POSITIVE],
    ['-d 2147484', 'It has to be at most 2147483 seconds.'],
    ['--labels user', 'Known labels are pid, tid, comm, cpu.'],
    ['--labels pid,', 'Known labels are pid, tid, comm, cpu.'],
    ['-U -K', "option '-U, --user' cannot be used with option '-K, --kernel'"],
    ['--unknown', "unknown option '--unknown'"],
    ['-p', "option '-p, --pid <pid>' argument missing"],
  ])('%s', (line, reason) => {
    expect(() => parse(line)).toThrow(CommanderError);
    expect(said.join('')).toContain(reason);
  });
});
