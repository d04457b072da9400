/** JSON of others: read whole, and nothing in it believed. */
import { DecodeError } from './error.ts';
import { type Chunks, readAll } from './input.ts';

/** As much as one string of V8 can hold. */
export const MAX_JSON = 2 ** 29 - 2 ** 10;

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object without members for anything else. */
export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

/** An empty list for anything else. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** '' for anything else. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** `otherwise` for what is no finite number. */
export function numberOf(value: unknown, otherwise = 0): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise;
}

/** @throws DecodeError when it is too large */
export async function readText(chunks: Chunks): Promise<string> {
  const text = (await readAll(chunks, MAX_JSON)).toString('utf8');
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

/** @throws DecodeError when it is no JSON */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DecodeError('its JSON is damaged or cut off.', { cause: error });
  }
}

export async function readJson(chunks: Chunks): Promise<unknown> {
  return parseJson(await readText(chunks));
}

/** Whether the head can be that of a JSON text. */
export function beginsJson(head: string): boolean {
  return /^\ufeff?\s*[[{]/.test(head);
}
