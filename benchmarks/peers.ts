/**
 * The ways to the same picture that other tools offer, as far as this machine has them: recording a process for some
 * seconds and drawing a flame graph. Each is one shell command, so that its whole cost is counted.
 *
 * Scripts of github.com/brendangregg/FlameGraph are looked for in $FLAMEGRAPH_DIR.
 */

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

function drawPerf(graph: string) {
  return (task: Task) =>
    shell(
      `${perf(graph)(task)} && perf script -i ${at('perf.data')} | ${scripts}/stackcollapse-perf.pl | ${scripts}/flamegraph.pl > ${at('perf.svg')}`,
    );
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
  },
  {
    name: 'perf -g + scripts',
    available: has('perf') && scripts !== '',
    picture: drawPerf('fp'),
    record: task => shell(perf('fp')(task)),
  },
  {
    name: 'perf dwarf + scripts',
    available: has('perf') && scripts !== '',
    picture: drawPerf('dwarf'),
    record: task => shell(perf('dwarf')(task)),
  },
  {
    name: 'bpftrace + scripts',
    available: has('bpftrace') && scripts !== '',
    picture: task =>
      shell(
        `BPFTRACE_MAP_KEYS_MAX=65536 ${bpftrace(task)} | ${scripts}/stackcollapse-bpftrace.pl | ${scripts}/flamegraph.pl > ${at('bpftrace.svg')}`,
      ),
    record: task => shell(`${bpftrace(task)} > ${at('bpftrace.txt')}`),
  },
  {
    name: 'bcc profile + flamegraph.pl',
    available: has('profile-bpfcc') && scripts !== '',
    picture: task => shell(`${bcc(task)} | ${scripts}/flamegraph.pl > ${at('bcc.svg')}`),
    record: task => shell(`${bcc(task)} > ${at('bcc.txt')}`),
  },
];
