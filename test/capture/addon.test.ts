import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';
import { addonErrno, explain } from '../../src/capture/addon.ts';

function addonFailure(step: string, errno: number, log?: string): Error {
  return Object.assign(new Error(step), { step, errno, ...(log === undefined ? {} : { log }) });
}

describe('errno', () => {
  test.each([
    [addonFailure('open', constants.errno.EPERM), 'EPERM'],
    [addonFailure('open', constants.errno.ENOENT), 'ENOENT'],
    [addonFailure('open', 9999), 'E9999'],
    [new Error('another'), ''],
    [Object.assign(new Error('of Node.js'), { errno: -2, code: 'ENOENT' }), ''],
    ['text', ''],
    [undefined, ''],
  ])('%s', (error, code) => expect(addonErrno(error)).toBe(code));
});

describe('explanations', () => {
  test.each([constants.errno.EPERM, constants.errno.EACCES])('not permitted: %i', errno => {
    const cause = addonFailure('load', errno, 'a log');
    expect(explain(cause)).toMatchObject({
      code: 'not-permitted',
      exitCode: 5,
      message: expect.stringMatching(/^not permitted \(load: E\w+\): BPF sampling needs root, or the capabilities/),
      hint: expect.stringContaining('sudo'),
      cause,
    });
  });

  test('another error is told with its cause, and is none of the user', () => {
    const explained = explain(addonFailure('load', constants.errno.EINVAL, 'one\ntwo\nthree\nfour\nfive\n'));
    expect(explained).toMatchObject({ name: 'ProfilerError', exitCode: 5, hint: expect.stringMatching(/.+/) });
  });

  test('anything else stays what it is', () => {
    const error = new TypeError('x is not a function');
    expect(explain(error)).toBe(error);
  });
});
