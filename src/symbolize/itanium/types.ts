/** <type> (Itanium C++ ABI, 5.1.5). */
import { readExpression } from './expressions.ts';
import { appendArguments, newFacts, readName, readQualifiers } from './names.ts';
import { isDigit, type Parser } from './parser.ts';
import { readSubstitution, readTemplateArguments, readTemplateParameter } from './templates.ts';
import {
  arrayOf,
  combine,
  failure,
  filled,
  functionType,
  list,
  map,
  memberPointer,
  pointer,
  reference,
  sequence,
  suffixed,
  type Value,
} from './values.ts';

/** 5.1.5.2 */
const builtins: Readonly<Record<string, string>> = {
  v: 'void',
  w: 'wchar_t',
  b: 'bool',
  c: 'char',
  a: 'signed char',
  h: 'unsigned char',
  s: 'short',
  t: 'unsigned short',
  i: 'int',
  j: 'unsigned int',
  l: 'long',
  m: 'unsigned long',
  x: 'long long',
  y: 'unsigned long long',
  n: '__int128',
  o: 'unsigned __int128',
  f: 'float',
  d: 'double',
  e: 'long double',
  g: '__float128',
  z: '...',
  Dd: 'decimal64',
  De: 'decimal128',
  Df: 'decimal32',
  Dh: 'half',
  Di: 'char32_t',
  Ds: 'char16_t',
  Du: 'char8_t',
  Da: 'auto',
  Dc: 'decltype(auto)',
  Dn: 'std::nullptr_t',
};

/** The name of a builtin type by its code of one letter; '' for other codes. */
export function builtinName(code: string): string {
  return builtins[code] ?? '';
}

export function readType(parser: Parser): Value {
  const c = parser.peek();
  const builtin = builtins[c === 'D' ? `D${parser.peek(1)}` : c];
  if (builtin !== undefined) {
    parser.at += c === 'D' ? 2 : 1;
    return builtin;
  }
  parser.enter();
  const type = (compounds[c] ?? readNamed)(parser);
  parser.leave();
  return type;
}

/**
 * Types that can be substituted, by their first letter. A table, and not a switch: the compiler would put each of these
 * into every other, for as long as it takes to read 20,000 names.
 */
const compounds: Readonly<Record<string, (parser: Parser) => Value>> = {
  r: readWithQualifiers,
  V: readWithQualifiers,
  K: readWithQualifiers,
  U: parser => parser.remember(readQualified(parser)),
  u: parser => {
    parser.at++;
    return parser.remember(parser.sourceName());
  },
  D: readD,
  F: parser => parser.remember(readFunctionType(parser)),
  A: parser => parser.remember(readArray(parser)),
  M: readMemberPointer,
  T: readT,
  S: parser => (parser.peek(1) === 't' ? readNamed(parser) : withArguments(parser, readSubstitution(parser).value)),
  P: around(pointer),
  R: around(type => reference(type, false)),
  O: around(type => reference(type, true)),
  C: around(type => suffixed(type, ' complex')),
  G: around(type => suffixed(type, ' imaginary')),
};

/** A type that another one follows. */
function around(make: (type: string) => string): (parser: Parser) => Value {
  return parser => {
    parser.at++;
    return parser.remember(map(readType(parser), make));
  };
}

function readNamed(parser: Parser): Value {
  return parser.remember(readClass(parser));
}

function readWithQualifiers(parser: Parser): Value {
  return parser.remember(isFunction(parser) ? readFunctionType(parser) : readQualified(parser));
}

function readMemberPointer(parser: Parser): Value {
  parser.at++;
  const of = readType(parser);
  return parser.remember(combine([of, readType(parser)], ([a, b]) => memberPointer(a!, b!)));
}

function readClass(parser: Parser): Value {
  return readName(parser, newFacts(false));
}

/** Whether a function type follows the qualifiers. */
function isFunction(parser: Parser): boolean {
  let ahead = 0;
  while ('rVK'.includes(parser.peek(ahead) || '-')) ahead++;
  const c = parser.peek(ahead);
  return c === 'F' || (c === 'D' && 'oOwx'.includes(parser.peek(ahead + 1) || '-'));
}

function readQualified(parser: Parser): Value {
  if (parser.take('U')) {
    const name = parser.sourceText();
    const text = parser.peek() === 'I' ? readTemplateArguments(parser, false) : '';
    return combine([readQualified(parser), text], ([type, tail]) => suffixed(type!, ` ${name}${tail}`));
  }
  const qualifiers = readQualifiers(parser);
  const type = readType(parser);
  return qualifiers === '' ? type : map(type, text => suffixed(text, qualifiers));
}

/** ` noexcept`, ` noexcept(x)`, ` throw(types)`. */
function readExceptions(parser: Parser): Value {
  if (parser.take('Do')) return ' noexcept';
  if (parser.take('DO')) {
    const expression = readExpression(parser);
    parser.need('E');
    return sequence(' noexcept(', expression, ')');
  }
  if (!parser.take('Dw')) return '';
  const types: Value[] = [];
  while (!parser.take('E')) types.push(readType(parser));
  return sequence(' throw(', list(types), ')');
}

function readFunctionType(parser: Parser): Value {
  const qualifiers = readQualifiers(parser);
  const exceptions = readExceptions(parser);
  parser.take('Dx'); // transaction-safe
  parser.need('F');
  parser.take('Y'); // extern "C"
  const returns = readType(parser);
  const parameters: Value[] = [];
  let referenceMark = '';
  while (!parser.take('E')) {
    if (parser.take('v')) continue;
    if (parser.peek(1) === 'E' && parser.take('R')) referenceMark = ' &';
    else if (parser.peek(1) === 'E' && parser.take('O')) referenceMark = ' &&';
    else parameters.push(readType(parser));
  }
  return combine([returns, list(parameters), exceptions], ([type, texts, tail]) =>
    functionType(type!, texts!, qualifiers + referenceMark + tail),
  );
}

function readArray(parser: Parser): Value {
  parser.need('A');
  let size: Value = '';
  if (isDigit(parser.peek())) size = parser.digits();
  else if (parser.peek() !== '_') size = readExpression(parser);
  parser.need('_');
  return combine([readType(parser), size], ([type, text]) => arrayOf(type!, text!));
}

/** A template parameter, perhaps a template itself; or `struct`, `union`, `enum` and a name. */
function readT(parser: Parser): Value {
  const kind = { s: 'struct ', u: 'union ', e: 'enum ' }[parser.peek(1)];
  if (kind !== undefined) {
    parser.at += 2;
    return parser.remember(map(readClass(parser), name => kind + name));
  }
  return withArguments(parser, parser.remember(readTemplateParameter(parser)));
}

/** A template of which the arguments follow. */
function withArguments(parser: Parser, template: Value): Value {
  if (!parser.takesArguments || parser.peek() !== 'I') return template;
  return parser.remember(appendArguments(parser, template, readTemplateArguments(parser, false)));
}

export function readDecltype(parser: Parser): Value {
  if (!parser.take('Dt')) parser.need('DT');
  const expression = readExpression(parser);
  parser.need('E');
  return sequence('decltype(', expression, ')');
}

function readD(parser: Parser): Value {
  const next = parser.peek(1);
  switch (next) {
    case 't':
    case 'T':
      return parser.remember(readDecltype(parser));
    case 'p':
      parser.at += 2;
      return parser.remember(expanded(readType(parser)));
    case 'v':
      return parser.remember(readVector(parser));
    case 'o':
    case 'O':
    case 'w':
    case 'x':
      return parser.remember(readFunctionType(parser));
    case 'F':
    case 'B':
    case 'U':
      return readSized(parser, next);
    default:
      throw failure;
  }
}

/** `T...`: what was made for each element of the packs. */
export function expanded(pattern: Value): string {
  if (typeof pattern === 'string') return `${filled(pattern)}...`;
  return pattern.map(filled).join(', ');
}

/** _Float16, _BitInt(n), unsigned _BitInt(n). */
function readSized(parser: Parser, kind: string): string {
  parser.at += 2;
  const bits = parser.digits();
  if (bits === '') throw failure;
  parser.need('_');
  if (kind === 'F') return `_Float${bits}`;
  return `${kind === 'U' ? 'unsigned ' : ''}_BitInt(${bits})`;
}

function readVector(parser: Parser): Value {
  parser.need('Dv');
  let size: Value;
  if (isDigit(parser.peek())) size = parser.digits();
  else {
    parser.need('_');
    size = readExpression(parser);
  }
  parser.need('_');
  if (parser.take('p')) return sequence('pixel vector[', size, ']');
  return sequence(readType(parser), ' vector[', size, ']');
}
