/** `profiler record`: its options. */
import { Command, InvalidArgumentError, Option } from 'commander';

/** The command line as commander hands it over. */
export interface RecordFlags {
  readonly pid: readonly number[];
  readonly tid: readonly number[];
  readonly all: boolean;
  readonly cgroup?: string;
  readonly comm?: string;
  readonly inherit: boolean;
  readonly frequency: number;
  readonly duration?: number;
  readonly event?: string;
  readonly user: boolean;
  readonly kernel: boolean;
  readonly output: readonly string[];
  readonly format?: string;
  readonly annotate: boolean;
  readonly labels: readonly string[];
  readonly shortNames: boolean;
  readonly title?: string;
  readonly quiet: boolean;
}

function ids(value: string, previous: readonly number[]): readonly number[] {
  return [
    ...previous,
    ...value.split(',').map(text => {
      const id = Number(text);
      if (!/^\d+$/.test(text) || id < 1 || id > 2 ** 22)
        throw new InvalidArgumentError('It is no process or thread id.');
      return id;
    }),
  ];
}

function positive(value: string): number {
  const number = Number(value);
  if (!(number > 0) || !Number.isFinite(number)) throw new InvalidArgumentError('It has to be a number above 0.');
  return number;
}

function hertz(value: string): number {
  const number = positive(value);
  if (!Number.isInteger(number)) throw new InvalidArgumentError('It has to be a whole number of samples a second.');
  return number;
}

const LABELS = ['pid', 'tid', 'comm', 'cpu'];

function labels(value: string): readonly string[] {
  const names = value.split(',');
  const unknown = names.find(name => !LABELS.includes(name));
  if (unknown !== undefined) throw new InvalidArgumentError(`Known labels are ${LABELS.join(', ')}.`);
  return names;
}

function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

const EXAMPLES = `
Examples:
  sudo profiler record -p 1234 -d 10                  10 seconds of a process, as profile.svg
  sudo profiler record -o cpu.svg -o cpu.pb.gz -- make -j8
  sudo profiler record -a -d 30 --format collapsed -o - | flamegraph.pl > all.svg
  sudo profiler record -e page-faults -p 1234         where memory is touched for the first time
  sudo profiler record --cgroup system.slice/nginx.service -F 999 -d 5

Recording ends with the duration, with the targets, or with Ctrl-C, and is written in every case.`;

export function recordCommand(): Command {
  return new Command('record')
    .description('sample stacks of processes, threads, a command or the whole machine')
    .argument('[command...]', 'command to run and record, after --')
    .option('-p, --pid <pid>', 'process to record, with its threads; may repeat, or be a list 1,2,3', ids, [])
    .option('-t, --tid <tid>', 'thread to record; may repeat, or be a list', ids, [])
    .option('-a, --all', 'everything on this machine', false)
    .option('--cgroup <path>', 'only what runs in this cgroup (v2) or below')
    .option('--comm <name>', 'only threads of this name')
    .option('--no-inherit', 'leave out the children of recorded processes')
    .option('-F, --frequency <hz>', 'samples a second on each CPU', hertz, 99)
    .option('-d, --duration <seconds>', 'how long to record', positive)
    .option('-e, --event <event>', 'what to sample, as perf list names it (default: cycles, else cpu-clock)')
    .addOption(new Option('-U, --user', 'user stacks only').default(false).conflicts('kernel'))
    .option('-K, --kernel', 'kernel stacks only', false)
    .option('-o, --output <file>', 'where to write; may repeat; - is standard output', collect, [])
    .option('--format <format>', 'svg, pprof or collapsed, whatever the file name says')
    .option('--annotate', 'collapsed: mark kernel, generated and inlined frames with _[k] _[j] _[i]', false)
    .option('--labels <list>', 'pprof: keep samples apart by pid, tid, comm, cpu', labels, [])
    .option('--short-names', 'C++ and Rust names without parameters and template arguments', false)
    .option('--title <text>', 'heading of the picture')
    .option('-q, --quiet', 'no status line and no summary', false)
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .action(async (command: string[], flags: RecordFlags) => {
      const { record } = await import('./record.ts');
      process.exitCode = await record(command, flags);
    });
}
