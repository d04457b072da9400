/** What a reader searches for, as a test of names. */

/** Code units of a search, of a name that a pattern is tried on, and ms that all names together may take. */
const MAX_SEARCH = 200;
const MAX_SUBJECT = 256;
const MAX_TIME = 500;
/**
 * Steps that a pattern may take for one name, as a power of two. At worst a repetition costs the name's length, 2^8, one
 * more is for where a match begins, and a choice (`?`, `|`) doubles it all.
 */
const MAX_COST = 26;

export interface SearchResult {
  /** By name, 1 where it matches. */
  readonly matches: Uint8Array;
  /** Why nothing could be searched for, in words; '' if it could. */
  readonly problem: string;
}

/**
 * A pattern that cannot take for ever, or why it is none. Engines go back and forth: repeated groups can cost time
 * exponential in the name's length, so only characters and classes may repeat, and few.
 */
function compile(source: string): RegExp | string {
  const plain = source.replace(/\\./gs, 'a').replace(/\[[^\]]*\]/g, 'a');
  if (/\)[*+?{]/.test(plain)) return 'groups cannot repeat here';
  if (/\\[1-9k]/.test(source)) return 'groups cannot be referred to here';
  const repeats = plain.match(/[*+{]/g)?.length ?? 0;
  const choices = plain.replace(/\(\?|[*+}]\?/g, '').match(/[?|]/g)?.length ?? 0;
  if (8 * (repeats + 1) + choices > MAX_COST) return 'too many of * + { ? | for one pattern';
  try {
    return new RegExp(source, 'iu');
  } catch {
    return 'no valid pattern';
  }
}

/** The names that hold `text`, in whatever case; `/text/` is a regular expression. */
export function search(names: readonly string[], text: string): SearchResult {
  const matches = new Uint8Array(names.length);
  const fail = (problem: string) => ({ matches: matches.fill(0), problem });
  if (text.length > MAX_SEARCH) return fail(`no more than ${MAX_SEARCH} characters here`);
  if (!(text.length > 2 && text.startsWith('/') && text.endsWith('/'))) {
    const wanted = text.toLowerCase();
    for (const [i, name] of names.entries()) if (name.toLowerCase().includes(wanted)) matches[i] = 1;
    return { matches, problem: '' };
  }
  const pattern = compile(text.slice(1, -1));
  if (typeof pattern === 'string') return fail(pattern);
  const until = performance.now() + MAX_TIME;
  for (const [i, name] of names.entries()) {
    if (pattern.test(name.slice(0, MAX_SUBJECT))) matches[i] = 1;
    if (performance.now() > until) return fail('this pattern takes too long');
  }
  return { matches, problem: '' };
}
