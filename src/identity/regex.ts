/**
 * Regular expressions and globs of a configuration. They are written as Prometheus writes them (RE2), so only what RE2
 * and JavaScript read alike is taken; what they are matched against comes from targets.
 */
import { setFlagsFromString } from 'node:v8';

/**
 * A pattern that backtracks for long goes on in V8's engine of linear time: nobody stops the agent with the name of a
 * process. That engine knows no flag `i` or `u` and no count above 16; for such a count the bound below has to do.
 */
setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');

/** Longer values are cut before they are matched, in UTF-16 units. */
export const MAX_INPUT = 1024;

/** A piece of a pattern: an escape, the begin of a class or group, or a character. Sticky. */
const TOKEN = /\\.?|\[\^?|\(\?(?:P?<\w+>|.)?|./sy;
const TOKEN_IN_CLASS = /\\.?|./sy;
const ESCAPE = /^\\(?:[dDwWsSbBtnrfv]|x[0-9a-fA-F]{2}|[^a-zA-Z0-9\s])/;

function translateToken(token: string, rest: string, inClass: boolean): string {
  if (token.startsWith('\\')) {
    if (!ESCAPE.test(token + rest)) throw new SyntaxError(`the escape "${token}" is not supported`);
    return token;
  }
  if (token.startsWith('[')) {
    if (inClass && rest.startsWith(':')) throw new SyntaxError('classes such as [:alpha:] are not supported');
    if (!inClass && rest.startsWith(']')) throw new SyntaxError('a "]" at the begin of a class needs a backslash');
    return token;
  }
  if (inClass || !token.startsWith('(?') || token === '(?:') return token;
  if (token.endsWith('>')) return token.replace('(?P<', '(?<');
  throw new SyntaxError(`"${token}" is not supported: no flags, no looking ahead or behind`);
}

/**
 * A pattern that has to match the whole value, as in Prometheus; `.` matches newlines too.
 * @throws SyntaxError with half a sentence for what cannot be read, or is read differently by RE2
 */
export function compileRegex(pattern: string): RegExp {
  let source = '';
  let inClass = false;
  for (let at = 0; at < pattern.length; ) {
    const kind: RegExp = inClass ? TOKEN_IN_CLASS : TOKEN;
    kind.lastIndex = at;
    const token: string = kind.exec(pattern)![0];
    at += token.length;
    source += translateToken(token, pattern.slice(at, at + 2), inClass);
    inClass = inClass ? token !== ']' : token.startsWith('[');
  }
  // By itself first: `a)(b` is only a pattern with the anchors around it.
  new RegExp(source, 's');
  return new RegExp(`^(?:${source})$`, 's');
}

/** Whether a pattern of {@link compileRegex} matches a value, as far as {@link MAX_INPUT}. */
export function matchesRegex(regex: RegExp, value: string): boolean {
  return regex.test(value.slice(0, MAX_INPUT));
}

/**
 * A glob of names: `*` is any text, `?` any character.
 * `path`: of paths: `*` and `?` stay within a component, `**` does not.
 */
export function compileGlob(glob: string, path = false): RegExp {
  const source = glob.replace(/\*+|[^*]/gs, token => {
    if (token === '?') return path ? '[^/]' : '.';
    if (token.startsWith('*')) return path && token.length === 1 ? '[^/]*' : '.*';
    return token.replace(/[\\^$.|+()[\]{}]/, '\\$&');
  });
  return new RegExp(`^(?:${source})$`, 's');
}
