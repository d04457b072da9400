/**
 * The expressions of workflow files, as far as ours use them: `${{ inputs.run != '' && always() }}`.
 * https://docs.github.com/actions/reference/evaluate-expressions-in-workflows-and-actions
 */

/** What names stand for: `steps.base.outputs.folder`. Missing ones are ''. */
export type Context = { readonly [name: string]: Context | string | undefined };

const TOKEN = /\s*('(?:[^']|'')*'|[A-Za-z_][\w-]*(?:\.[\w-]+)*(?:\(\))?|==|!=|&&|\|\||!|[()])/y;

type Value = string | boolean;

const isTrue = (value: Value) => value !== '' && value !== false;

class Evaluation {
  readonly #tokens: readonly string[];
  readonly #context: Context;
  readonly #hasFailed: boolean;
  #at = 0;
  /** Whether it asked how the job stands; a condition that does not is `success() && …`. */
  asksStatus = false;

  constructor(text: string, context: Context, hasFailed: boolean) {
    this.#context = context;
    this.#hasFailed = hasFailed;
    const tokens: string[] = [];
    TOKEN.lastIndex = 0;
    for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) {
      tokens.push(match[1]!);
      if (TOKEN.lastIndex === text.trimEnd().length) break;
    }
    if (tokens.join('').length !== text.replaceAll(/\s(?=(?:[^']*'[^']*')*[^']*$)/g, '').length) {
      throw new Error(`cannot read the expression ${text}`);
    }
    this.#tokens = tokens;
  }

  all(): Value {
    const value = this.#or();
    if (this.#at !== this.#tokens.length) throw new Error(`unexpected ${this.#tokens[this.#at]}`);
    return value;
  }

  #take(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at++;
    return true;
  }

  #or(): Value {
    let value = this.#and();
    while (this.#take('||')) {
      const right = this.#and();
      value = isTrue(value) ? value : right;
    }
    return value;
  }

  #and(): Value {
    let value = this.#comparison();
    while (this.#take('&&')) {
      const right = this.#comparison();
      value = isTrue(value) ? right : value;
    }
    return value;
  }

  #comparison(): Value {
    const left = this.#operand();
    if (this.#take('==')) return left === this.#operand();
    if (this.#take('!=')) return left !== this.#operand();
    return left;
  }

  #operand(): Value {
    if (this.#take('!')) return !isTrue(this.#operand());
    if (this.#take('(')) {
      const value = this.#or();
      if (!this.#take(')')) throw new Error('a ) is missing');
      return value;
    }
    const token = this.#tokens[this.#at++] ?? '';
    if (token.startsWith("'")) return token.slice(1, -1).replaceAll("''", "'");
    return token.endsWith('()') ? this.#status(token) : this.#name(token);
  }

  #status(token: string): boolean {
    this.asksStatus = true;
    const known: Readonly<Record<string, boolean>> = {
      'always()': true,
      'success()': !this.#hasFailed,
      'failure()': this.#hasFailed,
    };
    const value = known[token];
    if (value === undefined) throw new Error(`unknown function ${token}`);
    return value;
  }

  #name(token: string): string {
    let value: Context | string | undefined = this.#context;
    for (const part of token.split('.')) value = typeof value === 'object' ? value[part] : undefined;
    if (typeof value === 'object') throw new Error(`${token} is no text`);
    return value ?? '';
  }
}

/** The text with all of its expressions replaced. */
export function interpolate(text: string, context: Context): string {
  return text.replaceAll(/\$\{\{(.*?)\}\}/gs, (_, inner: string) =>
    String(new Evaluation(inner.trim(), context, false).all()),
  );
}

/** Whether a step or a job with this `if` runs. */
export function condition(text: string | undefined, context: Context, hasFailed: boolean): boolean {
  if (text === undefined) return !hasFailed;
  const inner = /^\$\{\{(.*)\}\}$/s.exec(text.trim())?.[1] ?? text;
  const evaluation = new Evaluation(inner.trim(), context, hasFailed);
  const value = isTrue(evaluation.all());
  return value && (evaluation.asksStatus || !hasFailed);
}
