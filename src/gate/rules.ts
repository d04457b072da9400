/**
 * What `--fail-on` asks for: `[self:|inclusive:]SUBJECT>PERCENT%` with SUBJECT `total`, `any` or `func:NAME`. NAME is that
 * of a function as tables show it, with or without its arguments, or a regular expression between slashes.
 */

import { MEASURES, type Measure } from '../diff/changes.ts';
import { ExitCode, ProfilerError } from '../errors.ts';
import { namePattern } from './names.ts';

export interface Rule {
  /** As it was written. */
  readonly text: string;
  readonly subject: 'total' | 'any' | 'function';
  /** Both without a prefix; none of the total. */
  readonly measures: readonly Measure[];
  /** 0.1 for 10 %: how much more the head may take. */
  readonly limit: number;
  /** Whether it is about the function of this name. */
  readonly matches: (name: string) => boolean;
}

const NUMBER = /^(\d{1,6}(?:\.\d{1,6})?) ?%$/;
const FLOOR = /^(\d{1,3}(?:\.\d{1,6})?) ?(?:pp|%)$/;
const PREFIX = /^(self|inclusive):/;
const HINT = "Say 'total>3%', 'any>10%', 'func:parse>5%' or, for functions without what they call, 'self:any>10%'.";

function wrong(text: string, reason: string): ProfilerError {
  const message = `the rule "${text}" of --fail-on is not understood: ${reason}.`;
  return new ProfilerError('usage', message, { hint: HINT, exitCode: ExitCode.usage });
}

function subjectOf(text: string, written: string): Pick<Rule, 'subject' | 'matches'> {
  if (text === 'total' || text === 'any') return { subject: text, matches: () => text === 'any' };
  if (!text.startsWith('func:')) throw wrong(written, `"${text}" is neither total nor any nor func:NAME`);
  const name = text.slice('func:'.length);
  if (name === '') throw wrong(written, 'the function has no name');
  try {
    return { subject: 'function', matches: namePattern(name) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw wrong(written, `${name} is no regular expression that can be used: ${error.message}`);
  }
}

/** @throws ProfilerError with a sentence that says what is wrong */
export function parseRule(written: string): Rule {
  const text = written.trim();
  const end = text.lastIndexOf('>'); // names of C++ hold some too
  if (end < 0) throw wrong(written, 'it has no ">" between what is meant and the limit');
  const [, percent] = NUMBER.exec(text.slice(end + 1).trim()) ?? [];
  if (percent === undefined) throw wrong(written, 'behind ">" stands the limit in percent, such as 10%');
  const left = text.slice(0, end).trim();
  const [prefix = '', only] = PREFIX.exec(left) ?? [];
  const subject = subjectOf(left.slice(prefix.length), written);
  if (only !== undefined && subject.subject === 'total') throw wrong(written, `the total has no ${only} part`);
  const all = subject.subject === 'total' ? [] : MEASURES;
  const measures: readonly Measure[] = only === undefined ? all : [only === 'self' ? 'self' : 'total'];
  return { text, ...subject, measures, limit: Number(percent) / 100 };
}

/** `0.5pp` as 0.005: changes of less than this part of the total count for nothing. @throws ProfilerError */
export function parseFloor(text: string): number {
  const [, points] = FLOOR.exec(text.trim()) ?? [];
  if (points !== undefined && Number(points) <= 100) return Number(points) / 100;
  throw new ProfilerError('usage', `--floor is given in percentage points, such as 0.5pp, not as "${text}".`, {
    exitCode: ExitCode.usage,
  });
}
