/** What is wrong with a configuration, in one sentence for each problem. */
import type { z } from 'zod';
import { type JsonSchema, schemaAt } from './config-json-schema.ts';

export type Path = readonly PropertyKey[];

export interface Problem {
  /** Of the value, or of the key that does not exist. */
  readonly path: Path;
  readonly message: string;
}

/** `sinks[0].url` */
export function pathText(path: Path): string {
  let text = '';
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`;
    else text += text === '' ? String(key) : `.${String(key)}`;
  }
  return text;
}

/** Levenshtein's distance. Both are short: names of keys. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

/** The known name that was probably meant: it differs in few characters. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  if (name.length > 64) return undefined;
  const [best] = known
    .map(other => ({ other, away: distance(name.toLowerCase().replaceAll('-', '_'), other) }))
    .sort((a, b) => a.away - b.away);
  return best && best.away <= Math.min(3, Math.max(1, name.length / 3)) ? best.other : undefined;
}

function unknownKey(key: string, schema: JsonSchema | undefined): string {
  const known = Object.keys(schema?.properties ?? {});
  const meant = nearest(key, known);
  if (meant !== undefined) return `unknown key, did you mean "${meant}"?`;
  return known.length > 0 ? `unknown key, expected ${list(known)}` : 'unknown key';
}

function list(values: readonly unknown[]): string {
  const shown = values.map(value => (typeof value === 'string' ? value : JSON.stringify(value)));
  const last = shown.pop() ?? '';
  return shown.length === 0 ? last : `${shown.join(', ')} or ${last}`;
}

const TYPES: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'a map of keys',
  record: 'a map of keys',
  string: 'a string',
};

function typeOf(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value === 'boolean') return String(value);
  return typeof value === 'object' ? 'a map of keys' : 'a string';
}

/** A number or a boolean in place of a string: YAML reads 1.10 and yes as such. */
function typeMessage(expected: string, input: unknown): string {
  const message = `expected ${TYPES[expected] ?? expected}`;
  if (input === undefined) return `is missing: ${message}`;
  const quote = expected === 'string' && (typeof input === 'number' || typeof input === 'boolean');
  return `${message}, not ${typeOf(input)}${quote ? ': put it in quotes' : ''}`;
}

function bound(kind: 'at least' | 'at most', limit: number | bigint, origin: string): string {
  const unit: Readonly<Record<string, string>> = { array: ' entries', string: ' characters' };
  return `expected ${kind} ${limit}${unit[origin] ?? ''}`;
}

type Issue = z.core.$ZodIssue;

function messageOf(issue: Issue, input: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return typeMessage(issue.expected, input);
    case 'invalid_value':
      return input === undefined ? `is missing: expected ${list(issue.values)}` : `expected ${list(issue.values)}`;
    case 'too_small':
      return issue.message.startsWith('expected') ? issue.message : bound('at least', issue.minimum, issue.origin);
    case 'too_big':
      return issue.message.startsWith('expected') ? issue.message : bound('at most', issue.maximum, issue.origin);
    default:
      return issue.message;
  }
}

function valueAt(input: unknown, path: Path): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

/** Of one issue there are several problems where it is about several keys. */
function problemsOf(issue: Issue, input: unknown, schema: JsonSchema): Problem[] {
  const value = valueAt(input, issue.path);
  if (issue.code === 'unrecognized_keys') {
    const place = schemaAt(schema, issue.path, input);
    return issue.keys.map(key => ({ path: [...issue.path, key], message: unknownKey(key, place) }));
  }
  // A record's key has its own issues within.
  if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => ({ path: issue.path, message }));
  if (issue.code === 'invalid_union' && issue.discriminator !== undefined) {
    const parent = issue.path.at(-1) === issue.discriminator ? issue.path.slice(0, -1) : issue.path;
    const types = (schemaAt(schema, parent, undefined)?.oneOf ?? []).map(one => one.properties?.type?.const);
    const given = valueAt(input, [...parent, issue.discriminator]);
    const start = given === undefined ? 'is missing: ' : '';
    return [{ path: [...parent, issue.discriminator], message: `${start}expected ${list(types)}` }];
  }
  return [{ path: issue.path, message: messageOf(issue, value) }];
}

/** The problems of an input, as zod tells them, in its order; of each value the first. */
export function problemsOfIssues(issues: readonly Issue[], input: unknown, schema: JsonSchema): Problem[] {
  const byPath = new Map<string, Problem>();
  for (const problem of issues.flatMap(issue => problemsOf(issue, input, schema))) {
    const key = pathText(problem.path);
    if (!byPath.has(key)) byPath.set(key, problem);
  }
  return [...byPath.values()];
}
