/** The configuration's file: YAML, of which JSON is a part, and the lines of its keys. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { type Document, isMap, isNode, isPair, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import { ExitCode, ProfilerError, systemCode } from '../errors.ts';
import type { Path } from './config-problems.ts';

/** Of a file. Real ones have some kilobytes. */
const MAX_BYTES = 2 ** 20;
/** Values that aliases may stand for, in multiples of what is written: against `&a [*b, *b]` of `&b [*c, *c]`… */
const MAX_ALIASES = 100;
/** What V8 says of lists in lists in lists…, and the parser then says as its own. */
const DEEP = /^Maximum call stack size exceeded/;

export interface Yaml {
  /** Plain objects, lists and scalars; undefined when there is a syntax error. */
  readonly value: unknown;
  /** Syntax errors: line from 1, and a sentence. */
  readonly errors: readonly { readonly line: number; readonly message: string }[];
  /** The line of a key, or of the innermost one around it that is written; from 1. */
  lineOf(path: Path): number;
}

function configError(message: string, hint: string, cause?: unknown): ProfilerError {
  return new ProfilerError('config', message, { hint, exitCode: ExitCode.usage, cause });
}

/**
 * The text of a configuration file.
 * @throws ProfilerError when it cannot be read or is too large
 */
export function readConfigFile(path: string): string {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const why = systemCode(error) === 'ENOENT' ? 'there is no such file' : systemCode(error);
    throw configError(`cannot read the configuration "${path}": ${why}.`, 'Name another one with --config.', error);
  }
  try {
    if (!fstatSync(fd).isFile()) throw configError(`"${path}" is no file.`, 'Name a file with --config.');
    const buffer = Buffer.alloc(MAX_BYTES + 1);
    let size = 0;
    for (let count = -1; count !== 0 && size <= MAX_BYTES; size += count) {
      count = readSync(fd, buffer, size, buffer.length - size, null);
    }
    if (size > MAX_BYTES) throw configError(`"${path}" is larger than 1 MiB.`, 'A configuration is a few kilobytes.');
    return buffer.toString('utf8', 0, size);
  } finally {
    closeSync(fd);
  }
}

/** Where a key, or an entry of a list, begins; undefined when it is not written. */
function offsetOf(document: Document, path: Path): number | undefined {
  const parent: unknown = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents;
  const last = path.at(-1);
  if (isMap(parent)) {
    const pair = parent.items.find(item => isPair(item) && isScalar(item.key) && String(item.key.value) === last);
    return isNode(pair?.key) ? pair.key.range?.[0] : undefined;
  }
  const node: unknown = document.getIn(path, true);
  return isNode(node) ? (node as Node).range?.[0] : undefined;
}

/** Parses YAML 1.2; a key may be there once. */
export function parseYaml(source: string): Yaml {
  const lines = new LineCounter();
  const lineAt = (offset: number) => Math.max(1, lines.linePos(offset).line);
  try {
    const document = parseDocument(source, { lineCounter: lines, prettyErrors: false, stringKeys: true });
    const errors = document.errors.map(({ pos, message }) => ({
      line: lineAt(pos[0]),
      message: DEEP.test(message) ? 'too deeply nested' : message,
    }));
    return {
      value: errors.length === 0 ? document.toJS({ maxAliasCount: MAX_ALIASES }) : undefined,
      errors,
      lineOf(path) {
        for (let length = path.length; length > 0; length--) {
          const offset = offsetOf(document, path.slice(0, length));
          if (offset !== undefined) return lineAt(offset);
        }
        return 1;
      },
    };
  } catch (error) {
    // Too many aliases, or too deep.
    const text = error instanceof Error ? error.message : String(error);
    const message = DEEP.test(text) ? 'too deeply nested' : text;
    return { value: undefined, errors: [{ line: 1, message }], lineOf: () => 1 };
  }
}
