/** Brackets in readable names, where `<` and `>` are also operators and arrows. */

const closers: Readonly<Record<string, string>> = { '<': '>', '(': ')', '{': '}', '[': ']' };

/** Operators, longest first where one begins with another. */
const operators =
  /(?: (?:new|delete)(?:\[\])?|<=>|<<=|>>=|->\*|<<|>>|<=|>=|->|\(\)|\[\]|[-+*/%^&|=!]=|&&|\|\||\+\+|--|[-+*/%^&|~!=<>,]|"" ?\w+)(?![a-zA-Z])/y;
const word = /\w/;

/**
 * Where `operator` and the symbol that follows it end, when the word begins at `at`; −1 when it does not. Without a
 * symbol, as in `operator bool`, that is the end of the word.
 */
export function operatorEnd(text: string, at: number): number {
  if (text[at] !== 'o' || !text.startsWith('operator', at)) return -1;
  const end = at + 8;
  if ((at > 0 && word.test(text[at - 1]!)) || word.test(text[end] ?? '')) return -1;
  operators.lastIndex = end;
  return operators.test(text) ? operators.lastIndex : end;
}

/**
 * The index of the bracket that closes the one at `at`, −1 when none does. A `>` in `->`, in the name of an operator or
 * right within parentheses closes nothing, and a `<` that is still open at a `)` was a comparison.
 */
export function closingBracket(text: string, at: number): number {
  const open: string[] = [];
  for (let i = at; i < text.length; i++) {
    const c = text[i]!;
    if (closers[c] !== undefined) open.push(closers[c]);
    else if (c === '>') {
      if (open.at(-1) === '>' && text[i - 1] !== '-') open.pop();
    } else if (c === ')' || c === '}' || c === ']') {
      while (open.at(-1) === '>') open.pop();
      if (open.pop() !== c) return -1;
    } else {
      const end = operatorEnd(text, i);
      if (end > i) i = end - 1;
    }
    if (open.length === 0) return i;
  }
  return -1;
}
