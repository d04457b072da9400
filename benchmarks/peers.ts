/**
 * The ways to the same picture that other tools offer, as far as this machine has them: recording a process for some
 * seconds and drawing a flame graph. Each is one shell command, so that its whole cost is counted.
 *
 * Scripts of github.com/brendangregg/FlameGraph are looked for in $FLAMEGRAPH_DIR.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { folder, has, profiler } from './support.ts';

export interface Task {
  readonly pid: number;
  readonly hz: number;
  readonly seconds: number;
}

export interface Peer {
  readonly name: string;
  readonly available: boolean;
  /** Records and draws. */
  picture(task: Task): readonly string[];
  /** Only records. */
  record(task: Task): readonly string[];
  /** Samples in the picture; `errors` is what the commands said on standard error. */
  samples(task: Task, errors: string): number;
}

const scripts = process.env.FLAMEGRAPH_DIR ?? '';
const at = (name: string) => join(folder, name);

function shell(text: string): readonly string[] {
  return ['sh', '-c', text];
}

function perf(graph: string) {
  return ({ pid, hz, seconds }: Task) =>
    `perf record -q --call-graph ${graph} -e cpu-clock -F ${hz} -p ${pid} -o ${at('perf.data')} -- sleep ${seconds}`;
}

/** Numbers of the collapsed text that a peer's picture was drawn from. */
function folded(): number {
  const lines = readFileSync(at('folded'), 'utf8').split('\n');
  return lines.reduce((sum, line) => sum + (Number(line.slice(line.lastIndexOf(' ') + 1)) || 0), 0);
}

/** stackcollapse-perf.pl adds up periods, which are in ns here. */
const foldedPeriods = ({ hz }: Task) => folded() / (1e9 / hz);

/** The last steps of a peer: collapsed text on its standard output becomes a picture. */
const draw = `tee ${at('folded')} | ${scripts}/flamegraph.pl > ${at('peer.svg')}`;

function drawPerf(graph: string) {
  return (task: Task) =>
    shell(`${perf(graph)(task)} && perf script -i ${at('perf.data')} | ${scripts}/stackcollapse-perf.pl | ${draw}`);
}

const bpftrace = ({ pid, hz, seconds }: Task) =>
  `bpftrace -e 'profile:hz:${hz} /pid == ${pid}/ { @[ustack, kstack] = count(); } interval:s:${seconds} { exit(); }'`;

const bcc = ({ pid, hz, seconds }: Task) => `profile-bpfcc -f -F ${hz} -p ${pid} --stack-storage-size 16384 ${seconds}`;

export const peers: readonly Peer[] = [
  {
    name: 'profiler',
    available: true,
    picture: ({ pid, hz, seconds }) => [
      ...profiler,
      ...['record', '-p', `${pid}`, '-F', `${hz}`, '-d', `${seconds}`, '-o', at('ours.svg')],
    ],
    record: ({ pid, hz, seconds }) => [
      ...profiler,
      ...['record', '-q', '-p', `${pid}`, '-F', `${hz}`, '-d', `${seconds}`, '-o', at('ours.svg')],
    ],
    samples: (_, errors) => Number(/(\d+) samples/.exec(errors)?.[1]),
  },
  {
    name: 'perf -g + scripts',
    available: has('perf') && scripts !== '',
    picture: drawPerf('fp'),
    record: task => shell(perf('fp')(task)),
    samples: foldedPeriods,
  },
  {
    name: 'perf dwarf + scripts',
    available: has('perf') && scripts !== '',
    picture: drawPerf('dwarf'),
    record: task => shell(perf('dwarf')(task)),
    samples: foldedPeriods,
  },
  {
    name: 'bpftrace + scripts',
    available: has('bpftrace') && scripts !== '',
    picture: task => shell(`${bpftrace(task)} | ${scripts}/stackcollapse-bpftrace.pl | ${draw}`),
    record: task => shell(`${bpftrace(task)} > ${at('bpftrace.txt')}`),
    samples: folded,
  },
  {
    name: 'bcc profile + flamegraph.pl',
    available: has('profile-bpfcc') && scripts !== '',
    picture: task => shell(`${bcc(task)} | ${draw}`),
    record: task => shell(`${bcc(task)} > ${at('bcc.txt')}`),
    samples: folded,
  },
];
