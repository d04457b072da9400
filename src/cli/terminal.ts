/** Talk on standard error: colours only on a terminal that wants them, a status line that is overwritten. */
import type { ProfilerError } from '../errors.ts';

const isTerminal = process.stderr.isTTY === true && process.env.TERM !== 'dumb';
const hasColours = isTerminal && !process.env.NO_COLOR;

function colour(code: number, text: string): string {
  return hasColours ? `\x1b[${code}m${text}\x1b[0m` : text;
}

export const bold = (text: string) => colour(1, text);
export const red = (text: string) => colour(31, text);
export const green = (text: string) => colour(32, text);
export const yellow = (text: string) => colour(33, text);

let statusShown = false;

/** Replaces the status line; where standard error is no terminal, the text is not even made. */
export function status(makeText: () => string): void {
  if (!isTerminal) return;
  const text = makeText();
  process.stderr.write(`\r\x1b[K${text.slice(0, (process.stderr.columns || 80) - 1)}`);
  statusShown = true;
}

/** A line of talk; the status line gives way. */
export function say(text: string): void {
  if (statusShown) process.stderr.write('\r\x1b[K');
  statusShown = false;
  process.stderr.write(`${text}\n`);
}

/** What failed, and the next step. */
export function sayFailure({ message, hint }: ProfilerError): void {
  say(`${red('error:')} ${message}${hint ? `\n  ${hint}` : ''}`);
}
