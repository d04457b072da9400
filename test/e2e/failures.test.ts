import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  canMount,
  compile,
  countOf,
  main,
  needsBpf,
  obstacle,
  profiler,
  readCollapsed,
  start,
  startProfiler,
  stopAll,
  workFolder,
} from '../support/profiler.ts';

const isRoot = process.getuid?.() === 0;

test('recording works here, or this machine does not allow it', () => {
  // Anything else that keeps the other tests from running is a failure of ours.
  expect(obstacle).toMatch(/^$|missing: |not permitted|ENOSYS|has no BPF ring buffer|does not describe its types/);
});

describe('what cannot work is said in a sentence, with an exit code', () => {
  const folder = workFolder();

  test.each([
    [[], 2, 'Usage: profiler'],
    [['record'], 2, 'error: nothing to record.\n  Say -p PID, -a for everything'],
    [['record', '-a', '-p', '1'], 2, 'error: -a is everything: leave out -p and -t.'],
    [['record', '-a', '--', 'true'], 2, 'error: a command is recorded by itself, without -p, -t or -a.'],
    [['record', '-a', '-F', '0'], 2, "error: option '-F, --frequency <hz>' argument '0' is invalid."],
    [['record', '-a', '-F', '-5'], 2, "error: option '-F, --frequency <hz>' argument '-5' is invalid."],
    [['record', '-a', '-F', '9.5'], 2, 'It has to be a whole number of samples a second.'],
    [['record', '-a', '-d', 'x'], 2, 'It has to be a number above 0.'],
    [['record', '-p', 'x'], 2, 'It is no process or thread id.'],
    [['record', '-p', '4194304'], 6, 'error: no such process: 4194304.'],
    [['record', '-t', '4194304'], 6, 'error: no such thread: 4194304.'],
    [['record', '--cgroup', 'no/such'], 6, 'error: no such cgroup: "no/such".'],
    [['record', '--comm', 'a-name-of-more-than-15-bytes'], 2, 'try "a-name-of-more-".'],
    [['record', '-a', '-e', 'nonsense'], 2, 'error: unknown event "nonsense".'],
    [['record', '-a', '-e', 'cycles:x'], 2, 'error: unknown event "cycles:x".'],
    [['record', '-a', '-o', 'x.jpeg'], 2, 'error: cannot tell the format of "x.jpeg" by its extension.'],
    [['record', '-a', '--format', 'jpeg'], 2, 'error: unknown format "jpeg".'],
    [['record', '-a', '-U', '-K'], 2, "error: option '-U, --user' cannot be used with option '-K, --kernel'"],
    [['record', '-a', '--labels', 'x'], 2, 'Known labels are pid, tid, comm, cpu.'],
    [['nonsense'], 2, "error: unknown command 'nonsense'"],
  ])('%j', (args, status, message) => {
    const run = profiler(args, { cwd: folder });
    expect(run.stderr).toContain(message);
    expect(run.stderr).not.toMatch(/^\s+at /m);
    expect(run.status).toBe(status);
    expect(run.stdout).toBe('');
    expect(readdirSync(folder)).toEqual([]);
  });

  test("help is no failure and shows examples; the version is the package's", () => {
    const help = profiler(['record', '--help']);
    expect(help.status).toBe(0);
    expect(help.stdout).toContain('sudo profiler record -p 1234 -d 10');
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));
    expect(profiler(['--version'])).toMatchObject({ status: 0, stdout: `${version}\n` });
  });

  test.skipIf(!isRoot || obstacle !== '')('CAP_SYS_ADMIN samples, and no more (needs root and BPF)', () => {
    const drop = ['--bounding-set=-all,+sys_admin', '--inh-caps=-all', '--'];
    const { status, stdout } = spawnSync('setpriv', [...drop, process.execPath, main, 'doctor'], { encoding: 'utf8' });
    expect(stdout).toMatch(/^poor capabilities\s+missing: CAP_SYS_PTRACE, CAP_SYSLOG$/m);
    expect(stdout).toMatch(/^ok\s+sampling/m);
    expect(status).toBe(0);
  });

  test.skipIf(!isRoot)('who has no capabilities is told which are missing (needs root, to drop them)', () => {
    const run = (args: readonly string[]) => {
      const drop = ['--bounding-set=-all', '--inh-caps=-all', '--'];
      return spawnSync('setpriv', [...drop, process.execPath, main, ...args], { encoding: 'utf8' });
    };
    const { status, stderr } = run(['record', '-a', '-d', '1', '-o', '-']);
    expect(status).toBe(5);
    expect(stderr).toMatch(
      /^error: not permitted .* CAP_BPF and CAP_PERFMON\.\n {2}Run it with sudo, or see `profiler doctor`\.\n$/,
    );
    const doctor = run(['doctor']);
    expect(doctor.status).toBe(5);
    expect(doctor.stdout).toMatch(/^no\s+capabilities\s+missing: CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE, CAP_SYSLOG$/m);
    expect(doctor.stdout).toMatch(/^poor kernel symbols /m);
  });
});

describe.skipIf(obstacle)(needsBpf('bad input loses nothing'), () => {
  const folder = workFolder();
  const path = (name: string) => join(folder, name);
  afterAll(stopAll);

  test('a target that ends: what was collected is kept', async () => {
    const target = start(compile(folder, 'burn.c'), ['1500']);
    const { status, stderr } = profiler(['record', '-p', `${target.pid}`, '-F', '999', '-o', path('ended.collapsed')]);
    expect(status).toBe(0);
    expect(stderr).toContain(`wrote ${path('ended.collapsed')}`);
    expect(countOf(readCollapsed(path('ended.collapsed')))).toBeGreaterThan(500);
  });

  test('a rate above the limit is lowered, and this is said', () => {
    const limit = readFileSync('/proc/sys/kernel/perf_event_max_sample_rate', 'utf8').trim();
    const args = ['record', '-a', '-F', '9999999', '-d', '0.3', '-o', path('rate.svg')];
    const { status, stderr } = profiler(args);
    expect(status).toBe(0);
    expect(stderr).toContain(`The kernel allows at most ${limit} Hz`);
    expect(stderr).toContain(`at ${limit} Hz in`);
  });

  test('nothing sampled is said', () => {
    const { status, stderr } = profiler(['record', '-o', path('idle.svg'), '--', 'sleep', '0.3']);
    expect(status).toBe(0);
    expect(stderr).toMatch(/samples of/);
    expect(existsSync(path('idle.svg'))).toBe(true);
    const none = profiler(['record', '--comm', 'no-such-name', '-d', '0.3', '-o', path('none.svg')]);
    expect(none.status).toBe(0);
    expect(none.stderr).toContain('0 samples');
    expect(none.stderr).toContain('Nothing was sampled');
  });

  test('an event that the machine lacks', () => {
    // No machine has all of them.
    const events = ['stalled-cycles-frontend', 'emulation-faults', 'r7ffffffffffff'];
    const runs = events.map(event => profiler(['record', '-a', '-e', event, '-d', '0.1', '-o', path('x.svg')]));
    const refused = runs.filter(run => run.status !== 0);
    expect(refused.length).toBeGreaterThan(0);
    for (const run of refused) {
      expect(run.status).toBe(5);
      expect(run.stderr).toMatch(
        /^error: this machine cannot sample "[^"]+" \(E[A-Z]+\)\.\n {2}.*try -e cpu-clock\.\n$/,
      );
    }
  });

  test.skipIf(!canMount)('a kernel without BTF (needs mount namespaces, to hide its file)', () => {
    const script = `mount -t tmpfs none /sys/kernel/btf && exec ${process.execPath} ${main} record --capture bpf -a -d 1 -o ${path('b.svg')}`;
    const { status, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', script], { encoding: 'utf8' });
    expect(stderr).toContain('error: this kernel does not describe its types');
    expect(status).toBe(5);
  });

  test.skipIf(!canMount)(
    'hidden kernel addresses give no names rather than wrong ones (needs mount namespaces)',
    () => {
      const empty = path('kallsyms');
      const zeros = readFileSync('/proc/kallsyms', 'utf8').split('\n').slice(0, 5000);
      writeFileSync(empty, zeros.map(line => line.replace(/^\w+/, '0000000000000000')).join('\n'));
      const output = path('hidden.collapsed');
      const work = 'dd if=/dev/zero of=/dev/null bs=64k count=50000';
      const command = `${process.execPath} ${main} record -F 999 --annotate -o ${output} -- ${work}`;
      const script = `mount --bind ${empty} /proc/kallsyms && ${command}`;
      const { status, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', script], { encoding: 'utf8' });
      expect(status).toBe(0);
      expect(stderr).toContain('kernel symbols hidden');
      const stacks = readCollapsed(output);
      expect(stacks.some(stack => stack.frames.includes('[unknown: kernel]'))).toBe(true);
      expect(stacks.some(stack => stack.frames.some(frame => frame.endsWith('_[k]')))).toBe(false);
    },
  );

  test('function names that attack: separators, newlines, markup, invalid UTF-8, 64 KB', () => {
    const program = compile(folder, 'burn.c');
    const hostile = path('hostile');
    // Other names for the same function, through the symbol table itself.
    const names = ['semi;colon', '<script>alert(1)</script>', 'new\nline', 'bad\xff\xfeutf8', 'x'.repeat(65_536)];
    for (const name of names) {
      const rename = Buffer.concat([Buffer.from('burn_briefly '), Buffer.from(name, 'latin1'), Buffer.from('\n')]);
      if (name.includes('\n')) continue; // objcopy reads lines
      writeFileSync(path('rename'), rename);
      expect(spawnSync('objcopy', [`--redefine-syms=${path('rename')}`, program, hostile]).status).toBe(0);
      chmodSync(hostile, 0o755);
      const outputs = ['-o', path('h.collapsed'), '-o', path('h.svg'), '-o', path('h.pb.gz')];
      const { status } = profiler(['record', '-F', '999', ...outputs, '--', hostile, '100']);
      expect(status).toBe(0);
      const stacks = readCollapsed(path('h.collapsed'));
      expect(stacks.every(stack => stack.frames[0] === 'hostile' && Number.isInteger(stack.count))).toBe(true);
      const shown = name
        .replace(';', ':')
        .replace(/[\xff\xfe]/g, '\ufffd')
        .slice(0, 100);
      expect(stacks.some(stack => stack.frames.some(frame => frame.startsWith(shown)))).toBe(true);
      const svg = readFileSync(path('h.svg'), 'utf8');
      expect(svg.match(/<script/g)).toHaveLength(1); // its own
      expect(svg.length).toBeLessThan(500_000);
    }
  });

  test('a comm that attacks', () => {
    const program = compile(folder, 'burn.c');
    mkdirSync(path('odd'));
    const odd = path('odd/a;b <i>\n1');
    spawnSync('cp', [program, odd]);
    const outputs = ['-o', path('c.collapsed'), '-o', path('c.svg')];
    expect(profiler(['record', '-F', '999', ...outputs, '--', odd, '100']).status).toBe(0);
    const stacks = readCollapsed(path('c.collapsed'));
    expect(new Set(stacks.map(stack => stack.frames[0]))).toEqual(new Set(['a:b <i> 1']));
    expect(readFileSync(path('c.svg'), 'utf8')).not.toContain('<i>');
  });

  test('the status line is for terminals, and NO_COLOR is respected', async () => {
    const { ended } = startProfiler(['record', '-a', '-d', '0.5', '-o', path('plain.svg')], {
      env: { ...process.env, NO_COLOR: '1' },
    });
    const { stderr } = await ended;
    for (const control of ['\r', '\x1b']) expect(stderr).not.toContain(control);
    expect(stderr).not.toContain('Recording');
  });
});
