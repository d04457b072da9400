/** Which functions a rule or the allow-list means. Names are canonical ones (see diff/canonical.ts). */
import { compileRegex, matchesRegex } from '../identity/regex.ts';

/** Where a C++ or Rust name ends and its arguments begin; operators have no arguments that could be told from names. */
function withoutArguments(name: string): string {
  const open = name.indexOf('(', name.startsWith('(') ? name.indexOf(')') : 0); // (anonymous namespace)::f(int)
  return open > 0 && !name.includes('operator()') ? name.slice(0, open) : name;
}

/**
 * @param text a name, with or without arguments, or `/regular expression/`, which is found anywhere in it
 * @throws SyntaxError with half a sentence
 */
export function namePattern(text: string): (name: string) => boolean {
  const [, pattern] = /^\/(.+)\/$/s.exec(text) ?? [];
  if (pattern === undefined) return name => name === text || withoutArguments(name) === text;
  compileRegex(pattern); // by itself first: what closes a group that it did not open is no pattern
  const regex = compileRegex(`.*(?:${pattern}).*`);
  return name => matchesRegex(regex, name);
}
