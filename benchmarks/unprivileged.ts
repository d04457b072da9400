/**
 * What an ordinary user gets without BPF (kernel.perf_event_paranoid=2), beside perf: whole stacks, true ones where the
 * truth is known, what was lost, and what the recording cost besides the program itself. Needs root, to become that user.
 */
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { asNobody } from '../test/support/unprivileged.ts';
import { isRooted, parsePerfScript, Roots, readStacks, sharesOf, sum, type UserStack } from '../test/support/unwind.ts';
import { clang, deep, go, missingFor, node, nofp, rust, signals, type Target } from '../test/support/unwind-targets.ts';
import { folder, has, measure, profiler, table } from './support.ts';

const SECONDS = 4;
const HZ = '999';
const targets: readonly Target[] = [nofp, deep, signals, rust, go, clang, node];

interface Measured {
  readonly stacks: readonly UserStack[];
  readonly lost: string;
  /** CPU seconds and MB, of the recorder alone. */
  readonly cpu: number;
  readonly rss: number;
}

/** User and system time of the program, from bash's `times`. */
function ownCpu(path: string): number {
  const line = readFileSync(path, 'utf8').trim().split('\n').at(-1) ?? '';
  return [...line.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, m, s]) => sum + 60 * Number(m) + Number(s), 0);
}

/** Runs a recorder of a program that is told what it used itself. */
async function run(
  away: string,
  command: readonly string[],
  recorder: (program: readonly string[]) => readonly string[],
) {
  const times = join(away, 'times');
  const program = ['bash', '-c', '"$@"; times >"$0"', times, ...command];
  const usage = await measure(asNobody(['env', `HOME=${away}`, ...recorder(program)]));
  return { ...usage, cpu: usage.cpu - ownCpu(times) };
}

const isTarget = ({ comm }: UserStack) => comm !== 'bash';

async function ours(away: string, command: readonly string[]): Promise<Measured> {
  const output = join(away, 'ours.pb.gz');
  const { cpu, rss, errors } = await run(away, command, program => [
    ...profiler,
    'record',
    '-F',
    HZ,
    '-o',
    output,
    '--',
    ...program,
  ]);
  const [, lost = '?'] = /(\d+) lost/.exec(errors) ?? [];
  return { stacks: readStacks(output).stacks.filter(isTarget), lost, cpu, rss };
}

/** With stacks of the same size, and with what makes its copies stacks. */
async function perf(away: string, command: readonly string[]): Promise<Measured> {
  const [data, text] = [join(away, 'perf.data'), join(away, 'perf.txt')];
  const script = `perf record -q -B -N -F ${HZ} --call-graph dwarf,16384 -o ${data} -- "$@" && perf script --no-inline -F comm,pid,tid,ip,sym,dso -i ${data} >${text}`;
  const { cpu, rss, errors } = await run(away, command, program => ['bash', '-c', script, 'bash', ...program]);
  const [, lost = '0'] = /lost (\d+)/.exec(errors) ?? [];
  return { stacks: parsePerfScript(readFileSync(text, 'utf8')).filter(isTarget), lost, cpu, rss };
}

function row(target: Target, tool: string, { stacks, lost, cpu, rss }: Measured, roots: Roots): string[] {
  const { rooted, samples, depth } = sharesOf(stacks, roots);
  const { fault } = target;
  const exact = fault && sum(stacks, stack => (isRooted(stack, roots) && fault(stack) === '' ? 1 : 0)) / sum(stacks);
  const percent = (share: number | undefined) => (share === undefined ? '–' : `${(100 * share).toFixed(2)} %`);
  const cells = [`${samples}`, lost, percent(rooted), percent(exact), depth.toFixed(1)];
  return [target.name, tool, ...cells, cpu.toFixed(2), rss.toFixed(0)];
}

const roots = new Roots(folder);
const rows: string[][] = [];
for (const target of targets) {
  const missing = missingFor(target);
  if (missing !== '') {
    console.log(`not here: ${target.name} (needs ${missing})`);
    continue;
  }
  const away = join(folder, `nobody-${target.name.replace(/\W+/g, '-')}`);
  mkdirSync(away);
  for (const path of [folder, away]) chmodSync(path, 0o777);
  const command = target.make(away)(SECONDS);
  const mine = await ours(away, command);
  rows.push(row(target, 'profiler', mine, roots));
  if (!has('perf')) continue;
  try {
    const theirs = await perf(away, command);
    rows.push(row(target, `perf (CPU × ${(theirs.cpu / mine.cpu).toFixed(1)})`, theirs, roots));
  } catch (error) {
    console.log(`${target.name}: perf failed: ${/^.*(?:assertion|smashing).*$/m.exec(String(error))?.[0] ?? ''}`);
  }
}
console.log(`\nan ordinary user, ${HZ} Hz, ${SECONDS} s: user stacks that begin where stacks begin, and`);
console.log('that are true where that is known; CPU seconds and MB of the recorder, up to names');
table([['target', 'recorder', 'samples', 'lost', 'begin', 'true', 'frames', 'CPU s', 'RSS MB'], ...rows]);
