/**
 * Pieces of readable names. Types are written around what they declare (`int (*f)(char)`), so a piece may have a hole
 * where that goes; most have none, and what they declare follows them. What a template parameter pack is used in is a
 * text for each of the pack's elements.
 */

export type Value = string | readonly string[];

/** The name cannot be read. One object: its stack is of no use. */
export const failure = new Error('not a mangled name');
/** The text would be out of all proportion, and so is the time that it took to find out. */
export const outOfProportion = new Error('a name out of proportion');

/** Names may refer to their own parts, so that 261 bytes stand for 200 MB. */
const maxLength = 64 * 1024;

const hole = '\u0001';

export function map(value: Value, change: (text: string) => string): Value {
  return typeof value === 'string' ? bounded(change(value)) : value.map(text => bounded(change(text)));
}

function bounded(text: string): string {
  if (text.length > maxLength) throw outOfProportion;
  return text;
}

/** Joins pieces, for each element of the packs among them. */
export function combine(values: readonly Value[], join: (texts: readonly string[]) => string): Value {
  const packs = values.filter(value => typeof value !== 'string');
  if (packs.length === 0) return bounded(join(values as readonly string[]));
  const length = Math.min(...packs.map(pack => pack.length));
  return Array.from({ length }, (_, i) => bounded(join(values.map(value => at(value, i)))));
}

function at(value: Value, i: number): string {
  return typeof value === 'string' ? value : value[i]!;
}

/** One after the other. */
export function sequence(...values: readonly Value[]): Value {
  return combine(values, texts => texts.map(filled).join(''));
}

/** With commas in between, and none at an empty one. */
export function list(values: readonly Value[]): Value {
  if (values.length === 1 && typeof values[0] === 'string') return filled(values[0]);
  return combine(values, texts => {
    let text = '';
    for (const next of texts) if (next !== '') text += text === '' ? filled(next) : `, ${filled(next)}`;
    return text;
  });
}

/** `A::b` */
export function nested(scope: Value, name: Value): Value {
  if (typeof scope === 'string' && typeof name === 'string') return bounded(`${scope}::${name}`);
  return combine([scope, name], ([a, b]) => `${a}::${b}`);
}

/** A type by itself, with nothing in its hole. */
export function filled(text: string): string {
  const end = text.indexOf(hole);
  return end < 0 ? text : text.slice(0, end) + text.slice(end + 1);
}

/** A text of a value of which there may be several. */
export function single(value: Value): string {
  return typeof value === 'string' ? filled(value) : value.map(filled).join(', ');
}

/** A type and what it declares. `space`: in front of that, where nothing follows it. */
export function declare(type: string, declared: string, space: string): string {
  const end = type.indexOf(hole);
  return end < 0 ? type + space + declared : type.slice(0, end) + declared + type.slice(end + 1);
}

/** Puts a mark (`*`, `&`, `A::*`) to a type: in parentheses where that is a function or an array. */
function marked(type: string, mark: string, spaces: { readonly plain: string; readonly array: string }): string {
  const end = type.indexOf(hole);
  if (end < 0) return type + spaces.plain + mark;
  const [before, after] = [type.slice(0, end), type.slice(end + 1)];
  // Within parentheses already: a pointer.
  if (after[0] === ')') return before + spaces.plain + mark + hole + after;
  return `${before}${after[0] === '(' ? '' : spaces.array}(${mark}${hole})${after}`;
}

const indirect = { plain: '', array: ' ' };

export function pointer(type: string): string {
  return marked(type, '*', indirect);
}

/** A reference to a reference is one: `&&` only if both are. */
export function reference(type: string, isRvalue: boolean): string {
  const hollow = type.indexOf(hole);
  const end = hollow < 0 ? type.length : hollow;
  if (type[end - 1] !== '&') return marked(type, isRvalue ? '&&' : '&', indirect);
  return isRvalue || type[end - 2] !== '&' ? type : type.slice(0, end - 1) + type.slice(end);
}

export function memberPointer(of: string, member: string): string {
  return marked(member, `${filled(of)}::*`, { plain: ' ', array: '' });
}

/** A word behind a type: `const`. */
export function suffixed(type: string, suffix: string): string {
  const end = type.indexOf(hole);
  return end < 0 ? type + suffix : type.slice(0, end) + suffix + type.slice(end);
}

export function arrayOf(type: string, size: string): string {
  const end = type.indexOf(hole);
  if (end < 0) return `${type}${hole} [${size}]`;
  const after = type.slice(end + 1);
  // int [2][3]
  return `${type.slice(0, end)}${hole} [${size}]${after.startsWith(' [') ? after.slice(1) : after}`;
}

/** `tail` stands behind the parameters and whatever the function returns has to its right. */
export function functionType(returns: string, parameters: string, tail: string): string {
  const end = returns.indexOf(hole);
  if (end < 0) return `${returns} ${hole}(${parameters})${tail}`;
  return `${returns.slice(0, end)} ${hole}(${parameters})${returns.slice(end + 1)}${tail}`;
}

/** `<A, B>` */
export function templateArguments(values: readonly Value[]): Value {
  return map(list(values), text => (text.endsWith('>') ? `<${text} >` : `<${text}>`));
}
