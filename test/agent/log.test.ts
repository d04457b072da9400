import { expect, test } from 'vitest';
import { openLog } from '../../src/agent/log.ts';

function lines(options: Parameters<typeof openLog>[0], say: (log: ReturnType<typeof openLog>) => void): string[] {
  const written: string[] = [];
  say(openLog(options, line => void written.push(line)));
  return written;
}

test('a line for people', () => {
  const [line] = lines({ level: 'info', format: 'text' }, log => log.warn('All of it.'));
  expect(line).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z warn: All of it\.\n$/);
});

test('a line for machines', () => {
  const [line = ''] = lines({ level: 'info', format: 'json' }, log => log.error('A "quote".'));
  expect(JSON.parse(line)).toEqual({ time: expect.any(String), level: 'error', message: 'A "quote".' });
});

test('a message is one line, whatever it holds', () => {
  const written = lines({ level: 'info', format: 'text' }, log => log.info('one\n two\r\n\nthree'));
  expect(written).toEqual([expect.stringMatching(/info: one two three\n$/)]);
});

test('what is below the level is not said', () => {
  const written = lines({ level: 'warn', format: 'text' }, log => {
    for (const level of ['error', 'warn', 'info', 'debug'] as const) log[level](level);
  });
  expect(written.map(line => line.split(' ')[1])).toEqual(['error:', 'warn:']);
});
