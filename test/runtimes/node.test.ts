import { afterEach, expect, test } from 'vitest';
import { JitFiles } from '../../src/process/jit-files.ts';
import { node } from '../../src/runtimes/node.ts';
import { image, mapping } from '../support/mappings.ts';

let files: JitFiles | undefined;
afterEach(() => files?.close());

const FLAGS = '--perf-basic-prof-only-functions --interpreted-frames-native-stack';

test.each<[string, readonly string[], NodeJS.ProcessEnv, NodeJS.ProcessEnv | undefined]>([
  ['any command', ['npm', 'test'], {}, { NODE_OPTIONS: FLAGS }],
  [
    'options of the user',
    ['node', 'a.js'],
    { NODE_OPTIONS: '--no-warnings' },
    { NODE_OPTIONS: `--no-warnings ${FLAGS}` },
  ],
  ['a command with a map of its own', ['node', '--perf-basic-prof', 'a.js'], {}, undefined],
  ['a command with a jitdump', ['node', '--perf-prof', 'a.js'], {}, undefined],
  ['a user with a map', ['node', 'a.js'], { NODE_OPTIONS: '--perf-basic-prof-only-functions' }, undefined],
])('NODE_OPTIONS for %s', (_, command, inherited, expected) =>
  expect(node.environment!(command, inherited)).toEqual(expected),
);

test('what a process leaves behind', () => {
  const { temporary, working } = node.leftovers!(123);
  expect(temporary).toBe('perf-123.map');
  expect(working!.test('isolate-0x2c4e5000-123-v8.log')).toBe(true);
  expect(working!.test('isolate-0x2c4e5000-1234-v8.log')).toBe(false);
  expect(working!.test('my-isolate-0x2c4e5000-123-v8.log')).toBe(false);
});

test.each([
  ['/usr/bin/node', true],
  ['/opt/node-22/bin/nodejs', true],
  ['/usr/bin/nodenv', false],
])('what to do about a process of %s', (path, isNode) => {
  files = JitFiles.of(image({ pid: process.pid, mappings: [mapping(0x1000, 0x2000, { path })] }), () => {})!;
  expect(node.advice!(files) !== undefined).toBe(isNode);
});
