/** <expression> (Itanium C++ ABI, 5.1.6): what template arguments and decltype are computed by. */
import { appendArguments, newFacts, readEncoding, readName } from './names.ts';
import { infixOperators, operatorSymbols, prefixOperators } from './operators.ts';
import { isDigit, type Parser } from './parser.ts';
import { readSubstitution, readTemplateArgument, readTemplateArguments, readTemplateParameter } from './templates.ts';
import { builtinName, expanded, readDecltype, readType } from './types.ts';
import { readOperator, readUnqualified } from './unqualified.ts';
import { failure, list, nested, sequence, type Value } from './values.ts';

export function readExpression(parser: Parser): Value {
  parser.enter();
  const expression = readOne(parser);
  parser.leave();
  return expression;
}

function readOne(parser: Parser): Value {
  const c = parser.peek();
  if (c === 'L') return readPrimary(parser);
  if (c === 'T') return readTemplateParameter(parser);
  if (c === 'f' && (parser.peek(1) === 'p' || (parser.peek(1) === 'L' && isDigit(parser.peek(2))))) {
    return readParameter(parser);
  }
  if (isDigit(c)) return readUnresolved(parser);
  const isGlobal = parser.take('gs');
  const code = parser.text.slice(parser.at, parser.at + 2);
  if (code === 'sr' || code === 'on' || code === 'dn' || (isGlobal && isDigit(parser.peek()))) {
    const name = readUnresolved(parser);
    return isGlobal ? sequence('::', name) : name;
  }
  parser.at += 2;
  const reader = readers[code];
  if (reader !== undefined) return sequence(isGlobal ? '::' : '', reader(parser));
  const symbol = operatorSymbols[code];
  if (symbol === undefined) throw failure;
  if (prefixOperators.has(code)) return sequence(`${symbol}(`, readExpression(parser), ')');
  if (infixOperators.has(code)) return readInfix(parser, symbol);
  throw failure;
}

function readInfix(parser: Parser, symbol: string): Value {
  const left = readExpression(parser);
  const right = readExpression(parser);
  // Within template arguments, > would end them.
  return symbol === '>'
    ? sequence('((', left, `) ${symbol} (`, right, '))')
    : sequence('(', left, `) ${symbol} (`, right, ')');
}

/** Up to E. */
function listOf(parser: Parser, read: (parser: Parser) => Value = readExpression): Value {
  const values: Value[] = [];
  while (!parser.take('E')) values.push(read(parser));
  return list(values);
}

function around(before: string, read: (parser: Parser) => Value, after: string): (parser: Parser) => Value {
  return parser => sequence(before, read(parser), after);
}

function cast(kind: string): (parser: Parser) => Value {
  return parser => sequence(`${kind}<`, readType(parser), '>(', readExpression(parser), ')');
}

function step(symbol: string): (parser: Parser) => Value {
  return parser =>
    parser.take('_')
      ? sequence(`${symbol}(`, readExpression(parser), ')')
      : sequence('(', readExpression(parser), `)${symbol}`);
}

function member(symbol: string): (parser: Parser) => Value {
  return parser => sequence(readExpression(parser), symbol, readExpression(parser));
}

const readers: Readonly<Record<string, (parser: Parser) => Value>> = {
  at: around('alignof (', readType, ')'),
  az: around('alignof (', readExpression, ')'),
  st: around('sizeof (', readType, ')'),
  sz: around('sizeof (', readExpression, ')'),
  te: around('typeid (', readExpression, ')'),
  ti: around('typeid (', readType, ')'),
  nx: around('noexcept (', readExpression, ')'),
  tw: around('throw ', readExpression, ''),
  tr: () => 'throw',
  cc: cast('const_cast'),
  dc: cast('dynamic_cast'),
  rc: cast('reinterpret_cast'),
  sc: cast('static_cast'),
  pp: step('++'),
  mm: step('--'),
  dt: member('.'),
  pt: member('->'),
  ix: parser => sequence('(', readExpression(parser), ')[', readExpression(parser), ']'),
  cl: parser => sequence(readExpression(parser), '(', listOf(parser), ')'),
  cv: readConversion,
  il: parser => sequence('{', listOf(parser), '}'),
  tl: parser => sequence(readType(parser), '{', listOf(parser), '}'),
  qu: parser =>
    sequence('(', readExpression(parser), ') ? (', readExpression(parser), ') : (', readExpression(parser), ')'),
  sp: parser => expanded(readExpression(parser)),
  sZ: readPackSize,
  sP: parser => sequence('sizeof... (', listOf(parser, readTemplateArgument), ')'),
  nw: parser => readNew(parser, 'new'),
  na: parser => readNew(parser, 'new[]'),
  dl: around('delete ', readExpression, ''),
  da: around('delete[] ', readExpression, ''),
  fl: parser => readFold(parser, true, false),
  fr: parser => readFold(parser, false, false),
  fL: parser => readFold(parser, true, true),
  fR: parser => readFold(parser, false, true),
};

function readConversion(parser: Parser): Value {
  const { takesArguments } = parser;
  parser.takesArguments = false;
  const type = readType(parser);
  parser.takesArguments = takesArguments;
  const values = parser.take('_') ? listOf(parser) : readExpression(parser);
  return sequence('(', type, ')(', values, ')');
}

function readPackSize(parser: Parser): Value {
  const pack = parser.peek() === 'T' ? readTemplateParameter(parser) : readParameter(parser);
  return sequence('sizeof...(', expanded(pack), ')');
}

function readNew(parser: Parser, word: string): Value {
  const places: Value[] = [];
  while (!parser.take('_')) places.push(readExpression(parser));
  const type = readType(parser);
  const values = parser.take('pi') ? listOf(parser) : undefined;
  if (values === undefined) parser.need('E');
  const at = places.length > 0 ? sequence(' (', list(places), ')') : '';
  return sequence(word, at, ' ', type, values === undefined ? '' : sequence('(', values, ')'));
}

/** `(... + xs)`, `(xs + ...)`, and both with a first value. */
function readFold(parser: Parser, isLeft: boolean, hasInitial: boolean): Value {
  const symbol = operatorSymbols[parser.text.slice(parser.at, parser.at + 2)] ?? '';
  if (symbol === '') throw failure;
  parser.at += 2;
  const first = readExpression(parser);
  const second = hasInitial ? readExpression(parser) : undefined;
  const [pack, initial] = isLeft && second !== undefined ? [second, first] : [first, second];
  const packText = sequence('(', expanded(pack), ')');
  if (isLeft)
    return sequence(
      '(',
      initial === undefined ? '' : sequence(initial, ` ${symbol} `),
      `... ${symbol} `,
      packText,
      ')',
    );
  return sequence('(', packText, ` ${symbol} ...`, initial === undefined ? '' : sequence(` ${symbol} `, initial), ')');
}

/** fp_, fp0_, fL0p_: the parameters of the function itself. */
function readParameter(parser: Parser): Value {
  if (parser.take('fpT')) return 'this';
  if (parser.take('fL')) {
    parser.digits();
    parser.need('p');
  } else parser.need('fp');
  while ('rVK'.includes(parser.peek() || '-')) parser.at++;
  const number = parser.digits();
  parser.need('_');
  return `fp${number}`;
}

/** Names whose meaning depends on template arguments. */
function readUnresolved(parser: Parser): Value {
  if (!parser.take('sr')) return readUnresolvedBase(parser);
  let scope: Value;
  if (parser.take('N')) {
    scope = readUnresolvedType(parser);
    do scope = nested(scope, readSimple(parser));
    while (!parser.take('E'));
  } else if (isDigit(parser.peek())) {
    scope = readSimple(parser);
    while (!parser.take('E')) scope = nested(scope, readSimple(parser));
  } else {
    scope = readUnresolvedType(parser);
    if (parser.peek() === 'I') scope = appendArguments(parser, scope, readTemplateArguments(parser, false));
  }
  return nested(scope, readUnresolvedBase(parser));
}

function readUnresolvedType(parser: Parser): Value {
  const c = parser.peek();
  if (c === 'T') return parser.remember(readTemplateParameter(parser));
  if (c === 'D') return parser.remember(readDecltype(parser));
  return readSubstitution(parser).value;
}

function readSimple(parser: Parser): Value {
  return withArguments(parser, parser.sourceName());
}

function withArguments(parser: Parser, name: Value): Value {
  return parser.peek() === 'I' ? appendArguments(parser, name, readTemplateArguments(parser, false)) : name;
}

function readUnresolvedBase(parser: Parser): Value {
  if (parser.take('dn')) {
    const name = isDigit(parser.peek()) ? readSimple(parser) : readUnresolvedType(parser);
    return sequence('~', name);
  }
  if (parser.take('on')) return withArguments(parser, readOperator(parser, undefined));
  return withArguments(parser, readUnqualified(parser, undefined));
}

/** The suffixes of literals; other types are written as a cast. */
const suffixes: Readonly<Record<string, string>> = { i: '', j: 'u', l: 'l', m: 'ul', x: 'll', y: 'ull' };

/** <expr-primary>: literals and names. */
export function readPrimary(parser: Parser): Value {
  parser.need('L');
  if (parser.take('_Z')) {
    const name = readEncoding(parser);
    parser.need('E');
    return name;
  }
  const code = parser.peek();
  const suffix = suffixes[code];
  if (suffix !== undefined) {
    parser.at++;
    return literal(parser, value => `${value}${suffix}`);
  }
  if (parser.take('b0E')) return 'false';
  if (parser.take('b1E')) return 'true';
  if ('fde'.includes(code || '-')) throw failure;
  if (builtinName(code) !== '' && code !== 'v' && code !== 'z') {
    parser.at++;
    return literal(parser, value => `(${builtinName(code)})${value}`);
  }
  if (parser.take('Dn')) {
    parser.take('0');
    parser.need('E');
    return 'nullptr';
  }
  if (code === 'A') {
    const type = readType(parser);
    parser.need('E');
    return sequence('"<', type, '>"');
  }
  const isLambda = parser.text.startsWith('Ul', parser.at);
  const type = isLambda ? readName(parser, newFacts(false)) : readType(parser);
  if (isLambda && parser.take('E')) return type;
  return literal(parser, value => value, type);
}

function literal(parser: Parser, write: (value: string) => string, type?: Value): Value {
  const value = parser.number();
  if (!/\d/.test(value)) throw failure;
  parser.need('E');
  return type === undefined ? write(value) : sequence('(', type, `)${value}`);
}
