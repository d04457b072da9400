/** <encoding> and <name>: functions, data, and what compilers make for them (Itanium C++ ABI, 5.1.2 and 5.1.4). */
import { readExpression } from './expressions.ts';
import { isDigit, type Parser } from './parser.ts';
import { readSpecial } from './special.ts';
import { readSubstitution, readTemplateArguments, readTemplateParameter } from './templates.ts';
import { readDecltype, readType } from './types.ts';
import { readConstructor, readUnqualified } from './unqualified.ts';
import { combine, declare, failure, list, map, nested, single, type Value } from './values.ts';

/** What a name tells of the function that it is of. */
export interface NameFacts {
  /** Constructors, destructors and conversions do not tell what they return. */
  isSpecial: boolean;
  /** Template functions tell what they return. */
  hasArguments: boolean;
  /** ` const &` and the like, of a member function. */
  qualifiers: string;
  /** What constructors of a class of this name are called. */
  baseName: string;
  /** Template parameters in what follows refer to the name's arguments: it is no type or operand. */
  readonly declares: boolean;
}

export function newFacts(declares: boolean): NameFacts {
  return { isSpecial: false, hasArguments: false, qualifiers: '', baseName: '', declares };
}

/** A name with its parameters, as far as it goes; what a local entity is in ends at E. */
export function readEncoding(parser: Parser): string {
  parser.enter();
  const { templates } = parser;
  parser.templates = [];
  const c = parser.peek();
  const text = c === 'G' || c === 'T' ? readSpecial(parser) : readFunction(parser);
  parser.templates = templates;
  parser.leave();
  return text;
}

function endsEncoding(parser: Parser): boolean {
  const c = parser.peek();
  return c === '' || c === 'E' || c === '.' || c === '_';
}

function readFunction(parser: Parser): string {
  const facts = newFacts(true);
  const first = parser.substitutions.length;
  const name = resolve(parser, readName(parser, facts), first);
  if (endsEncoding(parser)) return single(name);
  if (parser.take('Ua9enable_ifI')) {
    while (!parser.take('E')) readExpression(parser);
  }
  const returns = !facts.isSpecial && facts.hasArguments ? readType(parser) : '';
  const parameters: Value[] = [];
  if (!parser.take('v')) {
    do parameters.push(readType(parser));
    while (!endsEncoding(parser));
  }
  const declared = `${single(name)}(${single(list(parameters))})`;
  const whole = returns === '' || !parser.style.llvm ? declared : declare(onlyOne(returns), declared, ' ');
  return single(map(whole, text => text + facts.qualifiers));
}

function onlyOne(value: Value): string {
  return typeof value === 'string' ? value : (value[0] ?? '');
}

/** A template parameter that is used before its arguments come. */
const toResolve = /«(\d+)»/g;

export function unresolved(index: number): string {
  return `«${index}»`;
}

/** Puts the arguments in the place of parameters that were used before; in what was remembered since, too. */
function resolve(parser: Parser, name: Value, first: number): Value {
  const replace = (text: string) =>
    text.replaceAll(toResolve, (_, index) => {
      const argument = parser.templates[0]?.[Number(index)];
      if (argument === undefined) throw failure;
      return single(argument);
    });
  const { substitutions } = parser;
  for (let i = first; i < substitutions.length; i++) {
    const value = substitutions[i]!;
    if (typeof value === 'string' && value.includes('«')) substitutions[i] = map(value, replace);
  }
  return typeof name === 'string' && !name.includes('«') ? name : map(name, replace);
}

export function readName(parser: Parser, facts: NameFacts): Value {
  parser.enter();
  const name = readAnyName(parser, facts);
  parser.leave();
  return name;
}

function readAnyName(parser: Parser, facts: NameFacts): Value {
  if (parser.take('N')) return readNested(parser, facts);
  if (parser.take('Z')) return readLocal(parser, facts);
  if (parser.peek() === 'S' && parser.peek(1) !== 't') {
    const name = readSubstitution(parser).value;
    if (parser.peek() !== 'I') throw failure;
    return withArguments(parser, name, facts);
  }
  const isStd = parser.take('St');
  parser.take('L');
  const own = readUnqualified(parser, facts);
  const name = isStd ? nested('std', own) : own;
  if (parser.peek() !== 'I') return name;
  parser.remember(name, single(own));
  return withArguments(parser, name, facts);
}

/** The name with the template arguments that follow. */
function withArguments(parser: Parser, name: Value, facts: NameFacts): Value {
  const text = readTemplateArguments(parser, facts.declares);
  facts.hasArguments = true;
  return appendArguments(parser, name, text);
}

export function appendArguments(parser: Parser, name: Value, text: Value): Value {
  // operator<< <int>
  const space = parser.style.llvm ? '' : ' ';
  return combine([name, text], ([a, b]) => (a!.endsWith('<') ? a + space + b : a! + b));
}

/** ` const volatile restrict` of `r`, `V` and `K`, in this order. */
export function readQualifiers(parser: Parser): string {
  const restrict = parser.take('r') ? ' restrict' : '';
  const volatile = parser.take('V') ? ' volatile' : '';
  return (parser.take('K') ? ' const' : '') + volatile + restrict;
}

function readNested(parser: Parser, facts: NameFacts): Value {
  const qualifiers = readQualifiers(parser);
  facts.qualifiers = qualifiers + (parser.take('O') ? ' &&' : parser.take('R') ? ' &' : '');
  let scope: Value = parser.take('St') ? 'std' : '';
  while (!parser.take('E')) {
    const isSubstitution = parser.peek() === 'S' && parser.peek(1) !== 't';
    scope = readPrefix(parser, facts, scope);
    if (!isSubstitution) parser.remember(scope, facts.baseName);
    parser.take('M'); // the initializer of a member, in front of a lambda
  }
  if (scope === '' || parser.substitutions.length === 0) throw failure;
  // The whole is no prefix.
  parser.substitutions.pop();
  parser.baseNames.pop();
  return scope;
}

/** One more component of a nested name, together with what is in front of it. */
function readPrefix(parser: Parser, facts: NameFacts, scope: Value): Value {
  const c = parser.peek();
  const next = parser.peek(1);
  if (c === 'I') {
    if (scope === '') throw failure;
    return withArguments(parser, scope, facts);
  }
  facts.hasArguments = false;
  facts.isSpecial = false;
  if (c === 'S' && next !== 't') {
    if (scope !== '') throw failure;
    return readSubstitutedScope(parser, facts);
  }
  if (c === 'C' || (c === 'D' && '01245'.includes(next || '-'))) {
    if (scope === '') throw failure;
    facts.isSpecial = true;
    return nested(scope, readConstructor(parser, facts.baseName));
  }
  let name: Value;
  if (c === 'T') name = readTemplateParameter(parser);
  else if (c === 'D' && (next === 't' || next === 'T')) name = readDecltype(parser);
  else {
    parser.take('L');
    name = readUnqualified(parser, facts);
  }
  return scope === '' ? name : nested(scope, name);
}

/** `std::string` becomes the class that it stands for where a constructor follows. */
function readSubstitutedScope(parser: Parser, facts: NameFacts): Value {
  const { value, expanded, baseName } = readSubstitution(parser);
  facts.baseName = baseName;
  const c = parser.peek();
  return c === 'C' || c === 'D' ? expanded : value;
}

/** What a function has within. */
function readLocal(parser: Parser, facts: NameFacts): Value {
  const scope = readEncoding(parser);
  parser.need('E');
  if (parser.take('s')) {
    readDiscriminator(parser);
    return `${scope}::string literal`;
  }
  // In a default argument: which one does not matter.
  if (parser.take('d')) {
    parser.number();
    parser.need('_');
    return nested(scope, readName(parser, facts));
  }
  const name = readName(parser, facts);
  readDiscriminator(parser);
  return nested(scope, name);
}

/** `_` and a digit, or `__`, a number and `_`: which of several of the same name. */
function readDiscriminator(parser: Parser): void {
  if (parser.peek() !== '_') return;
  if (isDigit(parser.peek(1))) parser.at += 2;
  else if (parser.take('__')) {
    parser.digits();
    parser.need('_');
  }
}
