/** The configuration's JSON Schema, for editors and for finding the keys of a place. */
import { z } from 'zod';
import { configSchema } from './config-schema.ts';

/** The part of JSON Schema (draft 2020-12) that is read here. */
export interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly oneOf?: readonly JsonSchema[];
  readonly const?: unknown;
}

/** JSON Schema, draft 2020-12, of what may be written. */
export function agentSchema(): JsonSchema {
  return z.toJSONSchema(configSchema, { io: 'input', target: 'draft-2020-12' }) as JsonSchema;
}

function typeOf(input: unknown): unknown {
  return typeof input === 'object' && input !== null && 'type' in input ? input.type : undefined;
}

/** The schema of the value at a path; undefined where there is none. `input`: chooses among `oneOf` by its `type`. */
export function schemaAt(schema: JsonSchema, path: readonly PropertyKey[], input: unknown): JsonSchema | undefined {
  let place: JsonSchema | undefined = schema;
  let value = input;
  for (const key of path) {
    place = typeof key === 'number' ? place?.items : place?.properties?.[String(key)];
    value = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
    const type = typeOf(value);
    place = place?.oneOf?.find(one => one.properties?.type?.const === type) ?? place;
  }
  return place;
}

/** Its text as the formatter wants it: lists of scalars on one line where they fit. */
export function agentSchemaText(): string {
  const text = JSON.stringify(agentSchema(), null, 2);
  const flat = text.replace(
    /^( *)(.*)\[\n([^[\]{}]*)\n\1\]/gm,
    (whole, indent: string, start: string, items: string) => {
      const line = `${indent}${start}[${items.trim().replace(/,\n */g, ', ')}]`;
      return line.length < 120 ? line : whole;
    },
  );
  return `${flat}\n`;
}
