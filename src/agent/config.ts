/** Reads the configuration of `profiler agent`: a file, under the environment, under the command line. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ExitCode, ProfilerError } from '../errors.ts';
import { stateFolder } from '../store/state-folder.ts';
import { type EnvironmentValue, readEnvironment } from './config-env.ts';
import { parseYaml, readConfigFile, type Yaml } from './config-file.ts';
import { agentSchema } from './config-json-schema.ts';
import { type Path, type Problem, pathText, problemsOfIssues } from './config-problems.ts';
import { type ConfigInput, type ConfigOutput, configSchema } from './config-schema.ts';

type DeepReadonly<T> = T extends object ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> } : T;
type WithSpoolFolder = Omit<ConfigOutput, 'spool'> & { spool: ConfigOutput['spool'] & { dir: string } };

/** All of it decided: durations in milliseconds, sizes in bytes, labels with the variables in them replaced. */
export type AgentConfig = DeepReadonly<WithSpoolFolder>;

/** Some of the keys, as the command line gives them. */
export type ConfigFlags = { [Key in keyof ConfigInput]?: DeepPartial<ConfigInput[Key]> };
type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [Key in keyof T]?: DeepPartial<T[Key]> }
    : T;

export interface ConfigSources {
  /** A file in YAML or JSON. */
  readonly path?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly flags?: ConfigFlags | undefined;
}

const MAX_PROBLEMS = 50;

type Tree = Record<string, unknown>;

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `over` on top of `under`: maps key by key, everything else as a whole. What is undefined is not there. */
function merge(under: unknown, over: unknown): unknown {
  if (over === undefined) return under;
  if (!isTree(over)) return over;
  const merged = new Map(Object.entries(isTree(under) ? under : {}));
  for (const [key, value] of Object.entries(over)) merged.set(key, merge(merged.get(key), value));
  return Object.fromEntries(merged);
}

function at(path: Path, value: unknown): unknown {
  return path.reduceRight((inner, key) => ({ [key]: inner }), value);
}

function has(value: unknown, path: Path): boolean {
  const [key, ...rest] = path;
  if (key === undefined) return value !== undefined;
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) && has(Reflect.get(value, key), rest);
}

/** `${env:NAME}` and `${hostname}` in the values of labels. */
function expandLabels(labels: unknown, env: NodeJS.ProcessEnv, problems: Problem[]): unknown {
  if (labels !== undefined && !isTree(labels)) return labels;
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what the configuration would say
  const all = { hostname: '${hostname}', ...labels };
  const expanded = Object.entries(all).map(([name, value]): [string, unknown] => {
    if (typeof value !== 'string') return [name, value];
    const text = value.replace(/\$\{([^}]*)\}/g, (whole, variable: string) => {
      if (variable === 'hostname') return hostname();
      const fromEnv = variable.startsWith('env:') ? env[variable.slice('env:'.length)] : undefined;
      if (fromEnv !== undefined) return fromEnv;
      const message = variable.startsWith('env:')
        ? `the environment has no variable ${variable.slice('env:'.length)}`
        : `expected \${hostname} or \${env:NAME}, not ${whole}`;
      problems.push({ path: ['labels', name], message });
      return '';
    });
    return [name, text];
  });
  return Object.fromEntries(expanded);
}

interface Read {
  readonly sources: ConfigSources;
  readonly yaml: Yaml | undefined;
  readonly variables: readonly EnvironmentValue[];
}

/** What a problem's sentence begins with: who said it, and which key. */
function describeProblem({ path, message }: Problem, { sources, yaml, variables }: Read): string {
  const key = path.length > 0 ? `${pathText(path)}: ` : '';
  if (path.length > 0 && has(sources.flags, path)) return `command line: ${key}${message}`;
  const variable = variables.findLast(({ path: set }) => set.every((part, i) => path[i] === part));
  if (variable) return `$${variable.name}: ${key}${message}`;
  return yaml && sources.path ? `${sources.path}:${yaml.lineOf(path)}: ${key}${message}` : `${key}${message}`;
}

function fail(sentences: readonly string[]): never {
  const different = [...new Set(sentences)];
  const shown = different.slice(0, MAX_PROBLEMS);
  if (different.length > shown.length) shown.push(`and ${different.length - shown.length} more`);
  throw new ProfilerError('config', shown.join('\n'), {
    hint: 'docs/agent-config.md explains every key.',
    exitCode: ExitCode.usage,
  });
}

function freeze<T>(value: T): DeepReadonly<T> {
  if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) freeze(inner);
  return Object.freeze(value) as DeepReadonly<T>;
}

function readSources(sources: ConfigSources): Read {
  const yaml = sources.path === undefined ? undefined : parseYaml(readConfigFile(sources.path));
  const variables = readEnvironment(sources.env, agentSchema());
  const syntax = (yaml?.errors ?? []).map(({ line, message }) => `${sources.path}:${line}: ${message}`);
  if (yaml && syntax.length === 0 && yaml.value !== null && !isTree(yaml.value)) {
    syntax.push(`${sources.path}:1: expected a map of keys`);
  }
  for (const { name, error } of variables) if (error !== undefined) syntax.push(`$${name}: ${error}`);
  if (syntax.length > 0) fail(syntax);
  return { sources, yaml, variables };
}

/**
 * The configuration: what the command line says, else the environment, else the file, else the defaults.
 * @throws ProfilerError with a line for each problem
 */
export function loadConfig(sources: ConfigSources): AgentConfig {
  const read = readSources(sources);
  const fromEnv = read.variables.map(({ path, value }) => at(path, value));
  const merged = [...fromEnv, sources.flags].reduce<unknown>(merge, read.yaml?.value ?? {}) as Tree;
  const problems: Problem[] = [];
  const input = { ...merged, labels: expandLabels(merged.labels, sources.env, problems) };
  const parsed = configSchema.safeParse(input);
  if (!parsed.success) problems.push(...problemsOfIssues(parsed.error.issues, input, agentSchema()));
  if (!parsed.success || problems.length > 0) fail(problems.map(problem => describeProblem(problem, read)));
  const { spool, ...config } = parsed.data;
  return freeze({ ...config, spool: { ...spool, dir: spool.dir ?? join(stateFolder(sources.env), 'spool') } });
}
