import { expect, test } from 'vitest';
import { collapsedLines, fixture, labelTexts, locationTexts, read, refusal, text } from './inputs.ts';

test('kernel stacks are called from user stacks', async () => {
  const result = await read(fixture('bpftrace.txt'));
  const lines = collapsedLines(result);
  expect(lines).toContain('node;0x7fe4690b6109;asm_exc_page_fault;exc_page_fault 1');
  expect(lines).toContain('node 1');
  expect(lines.some(line => line.startsWith('kdamond.0;ret_from_fork_asm;ret_from_fork;kthread;'))).toBe(true);
  expect(locationTexts(result)).toContain('do_syscall_64: kernel');
  expect(locationTexts(result)).toContain('0x7fe4690b6109: native');
  expect(result.losses).toEqual({});
});

test('mode perf, the user stack first, and other maps', async () => {
  const result = await read(fixture('bpftrace-perf.txt'));
  const end = 'entry_SYSCALL_64_after_hwframe;do_syscall_64;__do_sys_clone;kernel_clone;wake_up_new_task';
  expect(collapsedLines(result)).toContain(`0x7fb19957a353;${end};_raw_spin_unlock_irqrestore 1`);
  expect(locationTexts(result)).toContain('OPENSSL_strcasecmp: native, /usr/bin/node');
  expect(labelTexts(result)).toContain('key 1=19312');
  expect(result.losses).toEqual({ 'entries of other maps': 2 });
});

test.each([
  ['one stack', '@[\n    f+1\n    main+2\n]: 3\n', ['main;f 3']],
  ['a map with a name', '@calls[\n    f+1\n]: 3\n', ['f 3']],
  ['a text before the stack', '@[app, \n    f+1\n]: 3\n', ['app;f 3']],
  ['a stack and a text', '@[\n    f+1\n, app]: 3\n', ['app;f 3']],
  ['without spaces behind commas', '@[\n    f+1\n,\n    g+2\n,app]: 3\n', ['app;g;f 3']],
  ['empty stacks', '@[\n    f+1\n, , app]: 3\n@[, , app]: 2\n', ['app 2', 'app;f 3']],
  ['mode raw', '@[\n    7f0000001234\n    7f0000005678\n]: 1\n', ['7f0000005678;7f0000001234 1']],
  ['equal stacks, whose offsets differ', '@[\n    f+1\n]: 3\n@[\n    f+9\n]: 4\n', ['f 7']],
  ['ends of lines of Windows', '@[\r\n    f+1\r\n, app]: 3\r\n', ['app;f 3']],
])('%s', async (_, input, expected) => {
  for (const size of [2 ** 16, 1]) expect(collapsedLines(await read(input, size))).toEqual(expected);
});

test('what has no count, and what is cut off, is told', async () => {
  const result = await read(text`
    |@[
    |    f+1
    |]: count 3, average 5, total 15
    |@[
    |    f+1
    |]: 2
    |@[
    |    f+1
    |`);
  expect(collapsedLines(result)).toEqual(['f 2']);
  expect(result.losses).toEqual({ 'entries without a count': 1, 'entries cut off at the end of the input': 1 });
});

test('maps without stacks are refused', async () => {
  expect(await refusal('@[app]: 3\n')).toContain('it holds no map with stacks in its key and a count as its value.');
});
