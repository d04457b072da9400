/** <template-args>, <template-param> and <substitution> (Itanium C++ ABI, 5.1.5 and 5.1.8). */
import { readExpression, readPrimary } from './expressions.ts';
import { unresolved } from './names.ts';
import type { Parser } from './parser.ts';
import { readType } from './types.ts';
import { failure, map, single, templateArguments, type Value } from './values.ts';

interface Substitution {
  readonly value: Value;
  /** The class itself, of an abbreviation. */
  readonly expanded: Value;
  /** What its constructors are called. */
  readonly baseName: string;
}

function stringStream(name: string): string {
  return `std::basic_${name}<char, std::char_traits<char> >`;
}

function abbreviation(value: string, expanded: string, baseName: string): Substitution {
  return { value, expanded, baseName };
}

/** 5.1.8.1: the abbreviations. */
const abbreviations: Readonly<Record<string, Substitution>> = {
  a: abbreviation('std::allocator', 'std::allocator', 'allocator'),
  b: abbreviation('std::basic_string', 'std::basic_string', 'basic_string'),
  s: abbreviation(
    'std::string',
    'std::basic_string<char, std::char_traits<char>, std::allocator<char> >',
    'basic_string',
  ),
  i: abbreviation('std::istream', stringStream('istream'), 'basic_istream'),
  o: abbreviation('std::ostream', stringStream('ostream'), 'basic_ostream'),
  d: abbreviation('std::iostream', stringStream('iostream'), 'basic_iostream'),
};

/** What S…_ refers to, or an abbreviation. */
export function readSubstitution(parser: Parser): Substitution {
  parser.need('S');
  const known = abbreviations[parser.peek()];
  if (known === undefined) {
    const index = parser.index(36);
    const value = parser.substitutions[index];
    if (value === undefined) throw failure;
    return { value, expanded: value, baseName: parser.baseNames[index]! };
  }
  parser.at++;
  const tags = readTags(parser);
  if (tags === '') return known;
  const value = parser.remember(known.value + tags, known.baseName);
  return { value, expanded: value, baseName: known.baseName };
}

/** `B` and a name: the version of an interface, `[abi:cxx11]`. */
export function readTags(parser: Parser): string {
  let tags = '';
  while (parser.take('B')) tags += `[abi:${parser.sourceText()}]`;
  return tags;
}

/** T_, T0_, …, and TL0__ for the parameters of a lambda. */
export function readTemplateParameter(parser: Parser): Value {
  parser.need('T');
  const level = parser.take('L') ? Number(parser.digits() || Number.NaN) + 1 : 0;
  if (Number.isNaN(level)) throw failure;
  if (level > 0) parser.need('_');
  const index = parser.index(10);
  if (parser.mayRefer && level === 0) return unresolved(index);
  const found = parser.templates[level]?.[index];
  if (found !== undefined) return found;
  // Of a generic lambda, which does not declare what its parameters are.
  if (level === parser.lambdaLevel && level <= parser.templates.length) return 'auto';
  throw failure;
}

/** I … E. `declares`: T…_ that follow refer to these. */
export function readTemplateArguments(parser: Parser, declares: boolean): Value {
  parser.enter();
  parser.need('I');
  const own: Value[] = [];
  const values: Value[] = [];
  // Arguments do not refer to one another.
  if (declares) parser.templates = [];
  while (!parser.take('E')) {
    if (parser.take('J')) {
      const elements = readPack(parser);
      values.push(...elements);
      own.push(elements.map(element => (typeof element === 'string' ? element : single(element))));
    } else {
      const argument = readTemplateArgument(parser);
      values.push(argument);
      own.push(argument);
    }
  }
  if (declares) parser.templates = [own];
  parser.leave();
  return templateArguments(values);
}

/** The arguments of a pack, up to E. */
function readPack(parser: Parser): Value[] {
  parser.enter();
  const elements: Value[] = [];
  while (!parser.take('E')) {
    if (parser.take('J')) elements.push(...readPack(parser));
    else elements.push(readTemplateArgument(parser));
  }
  parser.leave();
  return elements;
}

export function readTemplateArgument(parser: Parser): Value {
  if (parser.take('X')) {
    const expression = readExpression(parser);
    parser.need('E');
    return expression;
  }
  return parser.peek() === 'L' ? readPrimary(parser) : readType(parser);
}

/** What a lambda declares in front of its parameters: Ty, Tn, Tp. */
export function readDeclaredParameters(parser: Parser): Value[] {
  const declared: Value[] = [];
  const own = parser.templates.at(-1) ?? [];
  const counts = { T: 0, N: 0 };
  const nameOf = (prefix: keyof typeof counts) => {
    const count = counts[prefix]++;
    return `$${prefix}${count === 0 ? '' : count - 1}`;
  };
  const read = (): Value => {
    if (parser.take('Ty')) {
      own.push(nameOf('T'));
      return map(own.at(-1)!, name => `typename ${name}`);
    }
    if (parser.take('Tn')) {
      const name = nameOf('N');
      own.push(name);
      return map(readType(parser), type => `${type} ${name}`);
    }
    if (!parser.take('Tp')) throw failure;
    const inner = read();
    own.push([single(own.pop()!)]);
    return map(inner, text => text.replace(' $', '... $'));
  };
  while (parser.peek() === 'T' && 'ynp'.includes(parser.peek(1) || '-')) declared.push(read());
  return declared;
}
