/**
 * Runs workflow files as a runner does: the same expressions, environment variables, command files and shell. Actions
 * that bring and keep artefacts copy folders; this repository's own is run from its action.yml.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { packageRoot } from '../../src/package.ts';
import { type Context, condition, interpolate } from './expressions.ts';

const step = z.strictObject({
  name: z.string().optional(),
  id: z.string().optional(),
  if: z.string().optional(),
  shell: z.literal('bash').optional(),
  env: z.record(z.string(), z.string()).optional(),
  run: z.string().optional(),
  uses: z.string().optional(),
  with: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
});
type Step = z.output<typeof step>;

const actionFile = z.object({
  inputs: z.record(
    z.string(),
    z.object({ description: z.string(), required: z.boolean().optional(), default: z.string().optional() }),
  ),
  outputs: z.record(z.string(), z.object({ description: z.string(), value: z.string() })),
  runs: z.object({ using: z.literal('composite'), steps: z.array(step) }),
});

const workflowFile = z.object({
  permissions: z.record(z.string(), z.string()),
  jobs: z.record(z.string(), z.object({ if: z.string().optional(), steps: z.array(step) })),
});

export const ownAction = actionFile.parse(parse(readFileSync(join(packageRoot, 'action.yml'), 'utf8')));

export function readWorkflow(path: string) {
  return workflowFile.parse(parse(readFileSync(path, 'utf8')));
}

export interface Machine {
  /** GITHUB_WORKSPACE: what actions/checkout would have checked out. */
  readonly workspace: string;
  /** RUNNER_TEMP, and the files of the runner. */
  readonly temp: string;
  /** Where artefacts are kept: a folder each. */
  readonly artifacts: string;
  /** The `github` context. */
  readonly github: Context;
  /** Besides what every job has. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Result {
  readonly status: 'success' | 'failure';
  readonly outputs: Readonly<Record<string, string>>;
  /** GITHUB_STEP_SUMMARY */
  readonly summary: string;
  /** What the steps wrote, in order, with the names of the steps. */
  readonly log: string;
}

/** `name=value` lines and `name<<END` blocks of a command file. */
function readOutputs(path: string): Record<string, string> {
  const outputs: Record<string, string> = {};
  const lines = readFileSync(path, 'utf8').split('\n');
  for (let i = 0; i < lines.length; i++) {
    const [, name, end] = /^([\w-]+)<<(\S+)$/.exec(lines[i]!) ?? [];
    if (name !== undefined) {
      const last = lines.indexOf(end!, i);
      outputs[name] = lines.slice(i + 1, last).join('\n');
      i = last;
      continue;
    }
    const equals = lines[i]!.indexOf('=');
    if (equals > 0) outputs[lines[i]!.slice(0, equals)] = lines[i]!.slice(equals + 1);
  }
  return outputs;
}

class Job {
  readonly #machine: Machine;
  readonly #inputs: Context;
  readonly #steps: Record<string, { outputs: Record<string, string> }> = {};
  readonly #env: NodeJS.ProcessEnv;
  #log = '';
  #hasFailed = false;
  #count = 0;

  constructor(machine: Machine, inputs: Context, env: NodeJS.ProcessEnv) {
    this.#machine = machine;
    this.#inputs = inputs;
    this.#env = env;
  }

  get context(): Context {
    const { github, temp } = this.#machine;
    return { inputs: this.#inputs, steps: this.#steps, github, runner: { temp } };
  }

  async all(steps: readonly Step[]): Promise<Pick<Result, 'status' | 'log'>> {
    for (const one of steps) {
      if (!condition(one.if, this.context, this.#hasFailed)) continue;
      this.#log += `## ${one.name ?? one.uses ?? ''}\n`;
      if (!(await this.#one(one))) this.#hasFailed = true;
    }
    return { status: this.#hasFailed ? 'failure' : 'success', log: this.#log };
  }

  #texts(values: Readonly<Record<string, string | number>> = {}): Record<string, string> {
    return Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, interpolate(String(value), this.context)]),
    );
  }

  async #one(one: Step): Promise<boolean> {
    if (one.uses !== undefined) return await this.#use(one.uses, this.#texts(one.with));
    const prefix = join(this.#machine.temp, `step-${process.hrtime.bigint()}-${this.#count++}`);
    const script = `${prefix}.sh`;
    const output = `${prefix}.output`;
    // An expression in a script would be code of whoever chooses its value.
    if (one.run!.includes('${{')) throw new Error('a script with an expression');
    writeFileSync(script, one.run!);
    writeFileSync(output, '');
    const env = { ...this.#env, ...this.#texts(one.env), GITHUB_OUTPUT: output };
    // https://docs.github.com/actions/reference/workflow-syntax-for-github-actions#jobsjob_idstepsshell
    const child = spawn('bash', ['--noprofile', '--norc', '-eo', 'pipefail', script], {
      cwd: this.#machine.workspace,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.#log += chunk.toString();
      });
    }
    const [status] = await once(child, 'close');
    if (one.id !== undefined) this.#steps[one.id] = { outputs: readOutputs(output) };
    return status === 0;
  }

  async #use(uses: string, options: Readonly<Record<string, string>>): Promise<boolean> {
    const { artifacts } = this.#machine;
    const [name = '', version = ''] = uses.split('@');
    if (name === 'ebpf-profiler/ebpf-profiler') return await this.#useOwn(options);
    if (!/^[0-9a-f]{40}$/.test(version)) throw new Error(`${uses} is not pinned`);
    switch (name) {
      case 'actions/checkout':
        return true;
      case 'actions/upload-artifact':
        if (existsSync(options.path!)) cpSync(options.path!, join(artifacts, options.name!), { recursive: true });
        return true;
      case 'actions/download-artifact':
        cpSync(join(artifacts, options.name!), options.path!, { recursive: true });
        return true;
      default:
        throw new Error(`${uses} is not known`);
    }
  }

  async #useOwn(options: Readonly<Record<string, string>>): Promise<boolean> {
    const { status, log } = await runSteps(this.#machine, options, this.#env);
    this.#log += log;
    return status === 'success';
  }
}

function environment({ workspace, temp, env }: Machine): NodeJS.ProcessEnv {
  const summary = join(temp, 'summary.md');
  writeFileSync(summary, '');
  const own = { CI: 'true', GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: workspace, RUNNER_TEMP: temp };
  return { PATH: process.env.PATH, HOME: temp, ...own, GITHUB_STEP_SUMMARY: summary, ...env };
}

async function runSteps(machine: Machine, given: Readonly<Record<string, string>>, env: NodeJS.ProcessEnv) {
  const unknown = Object.keys(given).filter(name => !(name in ownAction.inputs));
  if (unknown.length > 0) throw new Error(`the action has no input ${unknown[0]}`);
  const inputs: Record<string, string> = {};
  for (const [name, input] of Object.entries(ownAction.inputs)) {
    const value = given[name] ?? input.default;
    if (value === undefined) throw new Error(`the action needs the input ${name}`);
    inputs[name] = value;
  }
  const job = new Job(machine, inputs, env);
  const result = await job.all(ownAction.runs.steps);
  const outputs = Object.fromEntries(
    Object.entries(ownAction.outputs).map(([name, { value }]) => [name, interpolate(value, job.context)]),
  );
  return { ...result, outputs };
}

/** Runs this repository's action with these inputs. */
export async function runAction(machine: Machine, inputs: Readonly<Record<string, string>>): Promise<Result> {
  mkdirSync(machine.temp, { recursive: true });
  const env = environment(machine);
  const result = await runSteps(machine, inputs, env);
  return { ...result, summary: readFileSync(env.GITHUB_STEP_SUMMARY!, 'utf8') };
}

/** Runs the only job of a workflow; undefined when its condition does not hold. */
export async function runWorkflow(machine: Machine, path: string): Promise<Result | undefined> {
  mkdirSync(machine.temp, { recursive: true });
  const env = environment(machine);
  const [only] = Object.values(readWorkflow(path).jobs);
  const job = new Job(machine, {}, env);
  if (!condition(only!.if, job.context, false)) return undefined;
  const result = await job.all(only!.steps);
  return { ...result, outputs: {}, summary: readFileSync(env.GITHUB_STEP_SUMMARY!, 'utf8') };
}
