/** <unqualified-name>: of sources, operators, constructors, lambdas (Itanium C++ ABI, 5.1.3, 5.1.4.3, 5.1.5). */
import type { NameFacts } from './names.ts';
import { operatorSymbols } from './operators.ts';
import { isDigit, type Parser } from './parser.ts';
import { readDeclaredParameters, readTags } from './templates.ts';
import { readType } from './types.ts';
import { failure, list, map, single, templateArguments, type Value } from './values.ts';

export function readUnqualified(parser: Parser, facts: NameFacts | undefined): Value {
  const name = readBare(parser, facts);
  if (facts !== undefined) facts.baseName = typeof name === 'string' ? name : '';
  const tags = parser.peek() === 'B' ? readTags(parser) : '';
  return tags === '' ? name : map(name, text => text + tags);
}

function readBare(parser: Parser, facts: NameFacts | undefined): Value {
  const c = parser.peek();
  if (isDigit(c)) return parser.sourceName();
  if (c === 'U') return readUnnamed(parser);
  if (!parser.take('DC')) return readOperator(parser, facts);
  const names: string[] = [];
  do names.push(parser.sourceName());
  while (!parser.take('E'));
  return `[${names.join(', ')}]`;
}

/** `operator` and what it defines. */
export function readOperator(parser: Parser, facts: NameFacts | undefined): Value {
  if (parser.take('cv')) {
    // The template arguments of a conversion operator come behind the type that uses them.
    const { takesArguments, mayRefer } = parser;
    parser.takesArguments = false;
    parser.mayRefer = mayRefer || facts?.declares === true;
    const type = readType(parser);
    parser.takesArguments = takesArguments;
    parser.mayRefer = mayRefer;
    if (facts !== undefined) facts.isSpecial = true;
    return `operator ${single(type)}`;
  }
  if (parser.take('li')) return `operator"" ${parser.sourceName()}`;
  // A vendor's: v, how many operands, a name.
  if (parser.peek() === 'v' && isDigit(parser.peek(1))) {
    parser.at += 2;
    return `operator ${parser.sourceName()}`;
  }
  const symbol = operatorSymbols[parser.text.slice(parser.at, parser.at + 2)];
  if (symbol === undefined) throw failure;
  parser.at += 2;
  return `operator${/^[a-z]/.test(symbol) ? ' ' : ''}${symbol}`;
}

/** `baseName`: of the class that it is of. */
export function readConstructor(parser: Parser, baseName: string): string {
  const isConstructor = parser.take('C');
  if (!isConstructor) parser.need('D');
  const inherits = isConstructor && parser.take('I');
  if (!'012345'.includes(parser.peek() || '-')) throw failure;
  parser.at++;
  if (inherits) readType(parser);
  return `${isConstructor ? '' : '~'}${baseName}${readTags(parser)}`;
}

/** Types without a name, lambdas and blocks. */
function readUnnamed(parser: Parser): Value {
  if (parser.take('Ut')) return unnamed(parser, 'unnamed', 'unnamed type', '');
  if (parser.take('Ub')) {
    parser.digits();
    parser.need('_');
    return "'block-literal'";
  }
  parser.need('Ul');
  const { lambdaLevel, templates } = parser;
  parser.lambdaLevel = templates.length;
  parser.templates = [...templates, []];
  const declared = readDeclaredParameters(parser);
  if (declared.length === 0) parser.templates = templates;
  const parameters: Value[] = [];
  if (!parser.take('v')) {
    do parameters.push(readType(parser));
    while (parser.peek() !== 'E');
  }
  parser.need('E');
  parser.lambdaLevel = lambdaLevel;
  parser.templates = templates;
  const own = declared.length === 0 ? '' : single(templateArguments(declared));
  return unnamed(parser, 'lambda', 'lambda', `${own}(${single(list(parameters))})`);
}

/** No number for the first, then 0, 1, … */
function unnamed(parser: Parser, llvmKind: string, kind: string, signature: string): string {
  const number = parser.digits();
  parser.need('_');
  if (parser.style.llvm) return `'${llvmKind}${number}'${signature}`;
  return `{${kind}${signature}#${number === '' ? 1 : Number(number) + 2}}`;
}
