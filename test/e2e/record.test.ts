import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readPprof } from '../support/pprof.ts';
import {
  compile,
  countOf,
  main,
  needsBpf,
  obstacle,
  parseCollapsed,
  profiler,
  readCollapsed,
  sleep,
  start,
  startProfiler,
  stopAll,
  workFolder,
} from '../support/profiler.ts';

describe.skipIf(obstacle)(needsBpf('profiler record'), () => {
  const folder = workFolder();
  const burn = obstacle ? '' : compile(folder, 'burn.c');
  const children = obstacle ? '' : compile(folder, 'children.c');
  const path = (name: string) => join(folder, name);
  const record = (...args: string[]) => profiler(['record', '-F', '999', ...args], { cwd: folder });
  const has = (name: string) => (stack: { frames: readonly string[] }) => stack.frames.includes(name);
  afterAll(stopAll);

  describe('a command', () => {
    test('gives its exit status, its output and its input through', () => {
      const script = 'read line; echo "got $line"; echo talk >&2; exit 7';
      const args = ['record', '-q', '-o', path('io.svg'), '--', 'sh', '-c', script];
      const { status, stdout, stderr } = profiler(args, { input: 'a line\n' });
      expect({ status, stdout, stderr }).toEqual({ status: 7, stdout: 'got a line\n', stderr: 'talk\n' });
    });

    test('that dies by a signal gives 128 and the signal, as shells do', () => {
      expect(record('-o', path('killed.svg'), '--', 'sh', '-c', 'kill -TERM $$').status).toBe(128 + 15);
    });

    test('that does not exist gives 127, and nothing is recorded', () => {
      const { status, stderr } = record('-o', path('none.svg'), '--', 'no-such-command');
      expect(status).toBe(127);
      expect(stderr).toBe('error: no such command: "no-such-command".\n');
      expect(readdirSync(folder)).not.toContain('none.svg');
    });

    test('is recorded from its first instruction, and only it', () => {
      expect(record('-o', path('burn.collapsed'), '--', burn, '300').status).toBe(0);
      const stacks = readCollapsed(path('burn.collapsed'));
      expect(countOf(stacks, has('burn_briefly'))).toBeGreaterThan(250);
      // The loader runs before main does; the shell that waits for the start is not part of the command.
      expect(new Set(stacks.map(stack => stack.frames[0]))).toEqual(new Set(['burn']));
    });

    test('gets SIGTERM that the profiler gets, and what was collected is written', async () => {
      const { child, ended } = startProfiler([
        'record',
        '-F',
        '999',
        '-o',
        path('term.collapsed'),
        '--',
        burn,
        '60000',
      ]);
      await sleep(1500);
      child.kill('SIGTERM');
      expect((await ended).status).toBe(128 + 15);
      expect(countOf(readCollapsed(path('term.collapsed')), has('burn_briefly'))).toBeGreaterThan(500);
    });

    test('with its children and their threads, or without them', () => {
      expect(record('-o', path('all.collapsed'), '--', children, '20').status).toBe(0);
      const samples = countOf(readCollapsed(path('all.collapsed')), has('child_work'));
      expect(samples).toBeGreaterThan(20 * 30 * 0.9);
      expect(record('--no-inherit', '-o', path('one.collapsed'), '--', children, '20').status).toBe(0);
      expect(countOf(readCollapsed(path('one.collapsed')), has('child_work'))).toBe(0);
    });

    test.each(['main', 'thread'])('that execs from its %s thread is named by its new program', from => {
      const exec = compile(folder, 'exec.c');
      expect(record('-o', path('exec.collapsed'), '--', exec, from, burn, '200').status).toBe(0);
      const stacks = readCollapsed(path('exec.collapsed'));
      expect(countOf(stacks, has('burn_briefly'))).toBeGreaterThan(150);
    });
  });

  describe('targets', () => {
    test('-p: the process and no other, until it ends', () => {
      const [target] = [start(burn, ['2000']), start(burn, ['3000'])];
      const { status, stderr } = record('-p', `${target.pid}`, '-o', path('p.pb.gz'), '--labels', 'pid,comm');
      expect(status).toBe(0);
      expect(stderr).toContain('0 lost');
      const { samples } = readPprof(path('p.pb.gz'));
      expect(new Set(samples.map(s => s.labels.pid))).toEqual(new Set([target.pid]));
      expect(new Set(samples.map(s => s.labels.comm))).toEqual(new Set(['burn']));
    });

    test('-t: one thread', () => {
      const target = start(compile(folder, 'deep.cc'), ['10', '2', '2']);
      const threads = readdirSync(`/proc/${target.pid}/task`).map(Number);
      const tid = threads.find(id => id !== target.pid) ?? target.pid;
      expect(record('-t', `${tid}`, '-d', '1', '-o', path('t.pb.gz'), '--labels', 'tid').status).toBe(0);
      expect(new Set(readPprof(path('t.pb.gz')).samples.map(s => s.labels.tid))).toEqual(new Set([tid]));
      target.kill();
    });

    test('--comm: threads of that name', () => {
      const target = start(burn, ['5000']);
      expect(record('--comm', 'burn', '-d', '1', '-o', path('comm.collapsed')).status).toBe(0);
      const stacks = readCollapsed(path('comm.collapsed'));
      expect(countOf(stacks)).toBeGreaterThan(300);
      expect(new Set(stacks.map(stack => stack.frames[0]))).toEqual(new Set(['burn']));
      target.kill();
    });

    test('--cgroup: what runs in it or below it', () => {
      const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
      const root = mounts.find(line => line.includes(' - cgroup2 '))?.split(' ')[4];
      expect(root, 'a cgroup v2 hierarchy').toBeDefined();
      const group = mkdtempSync(join(root!, 'profiler-test-'));
      const below = join(group, 'below');
      mkdirSync(below);
      const [inside, outside] = [start(burn, ['60000']), start(burn, ['60000'])];
      try {
        writeFileSync(join(below, 'cgroup.procs'), `${inside.pid}`);
        expect(record('--cgroup', group, '-d', '1', '-o', path('cg.pb.gz'), '--labels', 'pid').status).toBe(0);
        expect(new Set(readPprof(path('cg.pb.gz')).samples.map(s => s.labels.pid))).toEqual(new Set([inside.pid]));
      } finally {
        for (const child of [inside, outside]) child.kill('SIGKILL');
        writeFileSync(join(root!, 'cgroup.procs'), `${process.pid}`);
        for (let tries = 0; tries < 50; tries++) {
          try {
            rmdirSync(below);
            rmdirSync(group);
            break;
          } catch {
            Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20); // until the killed one has left
          }
        }
      }
    });

    test('-U and -K: user frames only, kernel frames only', () => {
      const work = ['--', 'dd', 'if=/dev/zero', 'of=/dev/null', 'bs=4k', 'count=300000'];
      for (const [flag, suffix] of [
        ['-U', false],
        ['-K', true],
      ] as const) {
        expect(record(flag, '--annotate', '-o', path('uk.collapsed'), ...work).status).toBe(0);
        const stacks = readCollapsed(path('uk.collapsed'));
        expect(countOf(stacks)).toBeGreaterThan(20);
        for (const { frames } of stacks) {
          for (const frame of frames.slice(1)) expect(frame.endsWith('_[k]')).toBe(suffix);
        }
      }
    });
  });

  describe('events', () => {
    test.each(['task-clock', 'page-faults', 'context-switches', 'cpu-clock:u'])('%s', event => {
      const work = ['--', 'sh', '-c', `for i in $(seq 100); do ${burn} 4; done`]; // page faults come in bursts
      const { status, stderr } = record('-e', event, '-o', path('event.pb.gz'), ...work);
      expect(status).toBe(0);
      expect(stderr).toContain(`of ${event} at 999 Hz`);
      const { raw, samples } = readPprof(path('event.pb.gz'));
      const types = raw.sampleType.map(t => raw.stringTable.strings[Number(t.type)]);
      expect(types).toEqual(['samples', event.includes('clock') ? 'cpu' : event]);
      expect(samples.length).toBeGreaterThan(0);
      for (const { values } of samples) expect(values[1]).toBeGreaterThanOrEqual(values[0]!);
    });

    test('page faults are counted and not only sampled', () => {
      const program = compile(folder, 'faults.c');
      expect(record('-e', 'page-faults', '-o', path('faults.pb.gz'), '--', program, '50000').status).toBe(0);
      const { samples } = readPprof(path('faults.pb.gz'));
      const sum = (value: number) => samples.filter(has('touch')).reduce((a, sample) => a + sample.values[value]!, 0);
      // At 999 Hz most of the 50,000 are not sampled, but each sample says for how many it stands. What came after a
      // CPU's last sample is in none: some periods, which the kernel makes longer as the faults come faster.
      expect(sum(0)).toBeLessThan(25_000);
      expect(sum(1)).toBeGreaterThan(30_000);
      expect(sum(1)).toBeLessThan(70_000);
    });
  });

  describe('outputs', () => {
    test('several at once, and a default name that replaces nothing', () => {
      const away = mkdtempSync(join(folder, 'names-'));
      const run = (...args: string[]) => profiler(['record', ...args, '--', burn, '30'], { cwd: away }).status;
      expect(run('-o', 'a.svg', '-o', 'b.pb.gz', '-o', 'c.folded')).toBe(0);
      writeFileSync(join(away, 'profile.svg'), 'mine');
      expect(run()).toBe(0);
      expect(run()).toBe(0);
      expect(readdirSync(away).sort()).toEqual([
        'a.svg',
        'b.pb.gz',
        'c.folded',
        'profile-2.svg',
        'profile-3.svg',
        'profile.svg',
      ]);
      expect(readFileSync(join(away, 'profile.svg'), 'utf8')).toBe('mine');
    });

    test('- is standard output, with nothing but data on it', () => {
      const { stdout, status } = record('-o', '-', '--', burn, '200');
      expect(status).toBe(0);
      expect(countOf(parseCollapsed(stdout), has('burn_briefly'))).toBeGreaterThan(100);
    });

    test('--format is stronger than the extension', () => {
      expect(record('--format', 'collapsed', '-o', path('odd.name'), '--', burn, '100').status).toBe(0);
      expect(countOf(readCollapsed(path('odd.name')))).toBeGreaterThan(50);
    });

    test('a closed pipe, a full device and a folder that is not there are told, the others are written', () => {
      const [full, gone, good] = ['/dev/full', path('gone/x.collapsed'), path('good.collapsed')];
      const args = ['--format', 'collapsed', '-o', full, '-o', gone, '-o', good, '--', burn, '100'];
      const { status, stderr } = record(...args);
      expect(status).toBe(7);
      expect(stderr).toContain('cannot write "/dev/full": no space left on the device.');
      expect(stderr).toContain(`cannot write "${gone}": its directory does not exist.`);
      expect(countOf(readCollapsed(good), has('burn_briefly'))).toBeGreaterThan(50);
      const piped = spawnSync('sh', ['-c', `${process.execPath} ${main} record -F 999 -o - -- ${burn} 300 | true`], {
        encoding: 'utf8',
      });
      expect(piped.stderr).not.toMatch(/^\s+at /m);
      expect(piped.stderr).toContain('cannot write standard output: its reader went away.');
    });

    test('pprof says what it is and what was lost', () => {
      expect(record('-o', path('meta.pb.gz'), '--', burn, '200').status).toBe(0);
      const { raw, comments, samples } = readPprof(path('meta.pb.gz'));
      const text = (index: number | bigint) => raw.stringTable.strings[Number(index)];
      expect(raw.sampleType.map(t => [text(t.type), text(t.unit)])).toEqual([
        ['samples', 'count'],
        ['cpu', 'nanoseconds'],
      ]);
      expect(Number(raw.period)).toBe(1001001);
      expect(comments[0]).toMatch(/^profiler \d+\.\d+\.\d+$/);
      expect(comments).toContain(`${burn} 200`);
      expect(comments).toContain('samples lost (ring buffer full): 0');
      expect(Math.abs(Number(raw.timeNanos) / 1e6 - Date.now())).toBeLessThan(60_000);
      const libc = raw.mapping.find(m => text(m.filename)?.endsWith('/burn'));
      expect(text(libc!.buildId)).toMatch(/^[0-9a-f]{40}$/);
      expect(libc!.hasFunctions).toBe(true);
      expect(samples[0]!.labels).toEqual({});
    });
  });

  test('two recordings at once do not disturb each other', async () => {
    const targets = [start(burn, ['4000']), start(burn, ['4000'])];
    const runs = targets.map((target, i) => {
      return startProfiler([
        'record',
        '-p',
        `${target.pid}`,
        '-F',
        '999',
        '-d',
        '1',
        '-o',
        path(`two-${i}.pb.gz`),
        '--labels',
        'pid',
      ]);
    });
    for (const [i, run] of runs.entries()) {
      expect((await run.ended).status).toBe(0);
      const pids = readPprof(path(`two-${i}.pb.gz`)).samples.map(sample => sample.labels.pid);
      expect(new Set(pids)).toEqual(new Set([targets[i]!.pid]));
    }
  });

  test.each([
    ['auto', 700, 511],
    ['fp', 500, 127],
  ])('stacks that are too deep are cut off at their outer end and counted: --unwind %s', (unwind, depth, most) => {
    const program = compile(folder, 'recurse.c');
    expect(record('-o', path('deep.pb.gz'), '--unwind', unwind, '--', program, '300', String(depth)).status).toBe(0);
    const { samples, comments } = readPprof(path('deep.pb.gz'));
    expect(Math.max(...samples.map(sample => sample.frames.length))).toBeGreaterThanOrEqual(most);
    expect(samples.every(sample => !sample.frames.includes('main') || sample.frames.length < most)).toBe(true);
    const cut = comments.find(comment => comment.startsWith('stacks cut off (too deep): '));
    expect(Number(cut?.split(': ')[1])).toBeGreaterThan(200);
  });

  describe('on a terminal', () => {
    /** Runs the profiler on a pseudo-terminal and types Ctrl-C after a while. */
    async function interrupt(args: readonly string[]) {
      const command = ['exec', process.execPath, main, 'record', ...args].join(' '); // no shell that gets Ctrl-C too
      const env = { ...process.env, TERM: 'xterm', NO_COLOR: '' };
      const child = spawn('script', ['-qec', command, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
      let output = '';
      child.stdout.on('data', chunk => {
        output += chunk;
      });
      setTimeout(() => child.stdin.write('\x03'), 1700);
      const [status] = await once(child, 'close');
      return { status, output };
    }

    test('Ctrl-C stops a recording of a process; a status line is shown until then', async () => {
      const target = start(burn, ['20000']);
      const { status, output } = await interrupt(['-p', `${target.pid}`, '-o', path('tty.svg')]);
      expect(status).toBe(0);
      expect(output).toContain('\r\x1b[KRecording 1 s, ');
      expect(output).toMatch(/\d+ samples, 0 lost\. Ctrl-C stops\./);
      expect(output).toContain(`wrote \x1b[1m${path('tty.svg')}`);
      target.kill();
    });

    test('Ctrl-C ends a recorded command, and the recording with it', async () => {
      const { status, output } = await interrupt(['-o', path('tty.collapsed'), '--', burn, '60000']);
      expect(status).toBe(130);
      expect(output).toContain(`wrote \x1b[1m${path('tty.collapsed')}`);
      expect(countOf(readCollapsed(path('tty.collapsed')), has('burn_briefly'))).toBeGreaterThan(50);
    });
  });

  test('Ctrl-C stops and writes', async () => {
    const target = start(burn, ['20000']);
    const { child, ended } = startProfiler(['record', '-p', `${target.pid}`, '-o', path('stopped.collapsed')]);
    await sleep(1000);
    child.kill('SIGINT');
    const { status, stderr } = await ended;
    expect(status).toBe(0);
    expect(stderr).toContain(`wrote ${path('stopped.collapsed')}`);
    target.kill();
  });
});
