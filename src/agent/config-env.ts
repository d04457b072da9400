/**
 * The configuration from environment variables: `PROFILER_` and the key in capitals, two underscores between levels,
 * the value as YAML: PROFILER_WINDOW=30s, PROFILER_LOG__LEVEL=debug, PROFILER_SINKS='[{type: directory}]'. Below
 * `labels`, whose keys are the user's, names keep their case: PROFILER_LABELS__team=payments.
 */
import { parseYaml } from './config-file.ts';
import { type JsonSchema, schemaAt } from './config-json-schema.ts';
import { nearest, type Path } from './config-problems.ts';

const PREFIX = 'PROFILER_';
const LABELS = 'labels';

export interface EnvironmentValue {
  /** Of the variable. */
  readonly name: string;
  readonly path: Path;
  readonly value: unknown;
  /** Why it cannot be read. */
  readonly error?: string;
}

function pathOf(name: string): string[] {
  const [first = '', ...rest] = name.slice(PREFIX.length).split('__');
  const top = first.toLowerCase();
  return [top, ...(top === LABELS ? rest : rest.map(part => part.toLowerCase()))];
}

/** Lists can only be given as a whole. */
function isKey(path: readonly string[], schema: JsonSchema): boolean {
  if (path[0] === LABELS) return path.length <= 2;
  return schemaAt(schema, path, undefined) !== undefined;
}

/**
 * The variables that are meant for the configuration. Others that begin with `PROFILER_` are passed over, as
 * Kubernetes sets PROFILER_PORT and more where a service is called `profiler`; unless they are nearly a key.
 */
export function readEnvironment(env: NodeJS.ProcessEnv, schema: JsonSchema): EnvironmentValue[] {
  const values: EnvironmentValue[] = [];
  const known = Object.keys(schema.properties ?? {});
  for (const [name, text] of Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!name.startsWith(PREFIX) || !text) continue; // an empty one is as good as none
    const path = pathOf(name);
    if (isKey(path, schema)) {
      const { value, errors } = parseYaml(text);
      values.push({ name, path, value, ...(errors[0] && { error: errors[0].message }) });
      continue;
    }
    const meant = known.includes(path[0]!) ? path[0] : nearest(path[0]!, known);
    if (meant === undefined) continue;
    const hint = known.includes(path[0]!)
      ? `"${meant}" has no such key`
      : `did you mean ${PREFIX}${meant.toUpperCase()}?`;
    values.push({ name, path, value: undefined, error: `unknown variable, ${hint}` });
  }
  return values;
}
