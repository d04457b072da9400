/** `profiler record`: its options. */
import { Command, Option } from 'commander';
import { collect, hertz, ids, labels, type RecordFlags, seconds, size } from './record-flags.ts';
import { tuneV8 } from './v8-flags.ts';

const EXAMPLES = `
Examples:
  sudo profiler record -p 1234 -d 10                  10 seconds of a process, as profile.svg
  sudo profiler record -o cpu.svg -o cpu.pb.gz -- make -j8
  sudo profiler record -a -d 30 --format collapsed -o - | flamegraph.pl > all.svg
  profiler record -- npm test                         as an ordinary user: own processes in user mode
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
    .option('-d, --duration <seconds>', 'how long to record', seconds)
    .option('-e, --event <event>', 'what to sample, as perf list names it (default: cycles, else cpu-clock)')
    .addOption(new Option('-U, --user', 'user stacks only').default(false).conflicts('kernel'))
    .option('-K, --kernel', 'kernel stacks only', false)
    .addOption(
      new Option(
        '--unwind <how>',
        'user stacks by unwind tables and frame pointers (auto), only tables (cfi) or only fp',
      )
        .choices(['auto', 'cfi', 'fp'])
        .default('auto'),
    )
    .addOption(
      new Option('--unwind-memory <size>', 'kernel memory for unwind tables, at most')
        .argParser(size)
        .default(64 * 2 ** 20, '64M'),
    )
    .option('--no-node-flags', 'leave NODE_OPTIONS of the command alone: JavaScript has no names then')
    .option('--jvm-perfmap', 'ask the JVMs (17 or newer) among the targets for the names of their code', false)
    .addOption(
      new Option(
        '--capture <how>',
        'how samples are taken: bpf, perf_event_open (perf), the same for own processes in user mode (perf-user), or the first of these that is allowed',
      )
        .choices(['auto', 'bpf', 'perf', 'perf-user'])
        .default('auto'),
    )
    .option('-o, --output <file>', 'where to write; may repeat; - is standard output', collect, [])
    .option('--format <format>', 'format, whatever the file name says; see profiler convert --help')
    .option('--annotate', 'collapsed: mark kernel, generated and inlined frames with _[k] _[j] _[i]', false)
    .option('--labels <list>', 'pprof: keep samples apart by pid, tid, comm, cpu', labels, [])
    .option('--short-names', 'C++ and Rust names without parameters and template arguments', false)
    .option('--no-inlines', 'leave out inlined calls')
    .option('--no-lines', 'leave out source files and lines')
    .option('--debug-dir <dir>', 'look for debug files here first, then in /usr/lib/debug; may repeat', collect, [])
    .option('--title <text>', 'heading of the picture')
    .option('-q, --quiet', 'no status line and no summary', false)
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .action(async (command: string[], flags: RecordFlags) => {
      tuneV8('record');
      const { record } = await import('./record.ts');
      process.exitCode = await record(command, flags);
    });
}
