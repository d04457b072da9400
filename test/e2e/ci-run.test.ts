import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type RunsFile, runsFile } from '../../src/gate/runs.ts';
import { readPprof } from '../support/pprof.ts';
import {
  compile,
  needsBpf,
  obstacle,
  profiler,
  sleep,
  startProfiler,
  stopAll,
  workFolder,
} from '../support/profiler.ts';
import { nobodysObstacle, openToAll, profilerAsNobody, withParanoid } from '../support/unprivileged.ts';

function readRuns(folder: string): RunsFile {
  return runsFile.parse(JSON.parse(readFileSync(join(folder, 'runs.json'), 'utf8')));
}

const order = ({ runs }: RunsFile) => runs.map(({ side, index }) => `${side} ${index}`);
const samplesOf = (folder: string, name: string) =>
  readPprof(join(folder, name)).samples.reduce((sum, { values }) => sum + values[0]!, 0);

describe.skipIf(obstacle !== '')(needsBpf('runs of a command'), () => {
  const folder = workFolder();
  afterAll(stopAll);
  const out = (name: string) => join(folder, name);
  const ci = (name: string, ...args: readonly string[]) =>
    profiler(['ci', 'run', '-o', out(name), ...args], { cwd: folder });

  test('of both sides, in turns, with a profile and the figures of each', () => {
    const burn = compile(folder, 'burn.c');
    mkdirSync(out('worktree'));
    const args = ['--runs', '2', '--base-dir', out('worktree'), '--', 'sh', '-c', `pwd; ${burn} 400`];
    const { status, stdout, stderr } = ci('both', ...args);
    expect(status, stderr).toBe(0);
    const file = readRuns(out('both'));
    expect(order(file)).toEqual(['base 1', 'head 1', 'head 2', 'base 2']);
    // The outputs of the command are its own; warm-ups first.
    const [base, head] = [out('worktree'), folder];
    expect(
      stdout
        .trim()
        .split('\n')
        .filter(line => line.startsWith('/')),
    ).toEqual([base, head, base, head, head, base]);
    for (const { profile, wallMs, cpuMs, metric, metricName, rung } of file.runs) {
      expect(samplesOf(out('both'), profile)).toBeGreaterThan(0);
      // What the samples say is what the system says.
      expect(samplesOf(out('both'), profile) / file.hz / (cpuMs / 1000)).toBeGreaterThan(0.7);
      expect(samplesOf(out('both'), profile) / file.hz / (cpuMs / 1000)).toBeLessThan(1.3);
      expect(wallMs).toBeGreaterThan(0);
      expect([metric, metricName, rung]).toEqual([cpuMs, 'cpu ms', 'bpf']);
    }
    const files = readdirSync(out('both'));
    expect(files).toEqual(expect.arrayContaining(['flame.svg', 'flame.html', 'diff.svg', 'diff.html', 'report.md']));
    expect(readFileSync(join(out('both'), 'report.md'), 'utf8')).toContain('burn');
    expect(stderr).toMatch(/base warm-up: .*head warm-up: .*base 1 of 2: .* samples, 0 lost/s);
  });

  test('of the head alone, and by the number that it prints', () => {
    const args = ['--runs', '1', '--warmup', '0', '--metric-regex', '(\\S+) ns/op', '--metric-name', 'ns/op'];
    const { status, stdout } = ci('printed', ...args, '--', 'sh', '-c', 'echo 7 ns/op; echo "1,250.5 ns/op" >&2');
    expect(status).toBe(0);
    expect(stdout).toBe('7 ns/op\n');
    expect(readRuns(out('printed')).runs).toMatchObject([{ side: 'head', metric: 1250.5, metricName: 'ns/op' }]);
  });

  test.each([
    ['--metric wall', 'sleep 0.3', /^3\d\d\.|^[4-9]\d\d\./, 'wall ms'],
    ['--metric-regex (\\d+).per.second --metric-more-is-better', 'echo 4 per second', /^0\.25$/, '1 / (printed)'],
    ['--metric-regex no-such', 'echo 4', /^null$/, 'printed'],
  ])('%s', (flags, script, value, name) => {
    const { status } = ci('metric', '--runs', '1', '--warmup', '0', ...flags.split(' '), '--', 'sh', '-c', script);
    expect(status).toBe(0);
    const [run] = readRuns(out('metric')).runs;
    expect(String(run?.metric)).toMatch(value);
    expect(run?.metricName).toBe(name);
  });

  test('of another command for the base; and of commands too short to be sampled', () => {
    const args = ['--runs', '1', '--warmup', '0', '--base-cmd', 'echo base | tr a-z A-Z', '--', 'echo', 'head'];
    const { status, stdout, stderr } = ci('command', ...args);
    expect(stdout).toBe('BASE\nhead\n');
    expect(status, stderr).toBe(0);
  });

  test('files that are too large are not kept, and that is said', () => {
    const burn = compile(folder, 'burn.c');
    const { status, stderr } = ci('large', '--runs', '1', '--warmup', '0', '--max-size', '16K', '--', burn, '300');
    expect(status, stderr).toBe(0);
    expect(stderr).toContain('are more than --max-size');
    expect(readdirSync(out('large'))).not.toContain('flame.html');
    expect(readdirSync(out('large'))).toContain('head-1.pb.gz');
  });

  test('a command that fails ends it with its status, and its profile is kept', () => {
    const count = out('count');
    const script = `echo run >> ${count}; [ $(wc -l < ${count}) -lt 3 ] || exit 42`;
    const { status, stderr } = ci('failed', '--runs', '5', '--', 'sh', '-c', script);
    expect(status).toBe(42);
    expect(stderr).toContain('The command of the head failed with status 42');
    expect(readRuns(out('failed')).runs.map(run => run.status)).toEqual([0, 42]);
    expect(existsSync(join(out('failed'), 'head-2.pb.gz'))).toBe(true);
  });

  test('a command that crashes, too', () => {
    const { status } = ci('crashed', '--runs', '2', '--warmup', '0', '--', 'sh', '-c', 'kill -SEGV $$');
    expect(status).toBe(139);
    expect(readRuns(out('crashed')).runs.map(run => run.status)).toEqual([139]);
  });

  test('Ctrl-C keeps what there is', async () => {
    const burn = compile(folder, 'burn.c');
    const args = ['ci', 'run', '-o', out('stopped'), '--runs', '9', '--warmup', '0', '--', burn, '500'];
    const { child, ended } = startProfiler(args, { cwd: folder });
    while (!existsSync(join(out('stopped'), 'head-1.pb.gz'))) await sleep(50);
    await sleep(200);
    child.kill('SIGINT');
    const { status, stderr } = await ended;
    expect(status, stderr).toBe(130);
    const { runs } = readRuns(out('stopped'));
    expect(runs.length).toBeLessThan(9);
    expect(runs[0]!.status).toBe(0);
    expect(readdirSync(out('stopped')).filter(name => name.endsWith('.pb.gz'))).toHaveLength(runs.length);
  });

  test.each([
    ['no such command', ['--', 'no-such-command'], 127, 'no such command'],
    ['no way to sample it', ['--capture', 'perf-user', '-e', 'cpu-clock:k', '--', 'true'], 5, 'sampled by root only'],
    ['no such folder', ['--base-dir', 'no-such-folder', '--', 'true'], 2, 'there is no folder "no-such-folder"'],
    ['a name for nothing', ['--metric-name', 'x', '--', 'true'], 2, 'what --metric-regex finds'],
    ['no pattern', ['--metric-regex', '(', '--', 'true'], 2, 'Invalid regular expression'],
    ['no run', ['--runs', '0', '--', 'true'], 2, 'a whole number from 1 to 500'],
    ['a file in the way', ['-o', 'file', '--', 'true'], 7, 'cannot make the folder "file"'],
  ])('%s', (_, args, exitCode, text) => {
    writeFileSync(out('file'), '');
    const { status, stderr } = ci('wrong', ...args);
    expect(stderr).toContain(text);
    expect(status).toBe(exitCode);
  });
});

describe.skipIf(nobodysObstacle !== '')(
  `runs, as an ordinary user${nobodysObstacle && ` (needs ${nobodysObstacle})`}`,
  () => {
    withParanoid(2);
    const folder = workFolder();

    test('are recorded in user mode, and say so', () => {
      openToAll(folder);
      const burn = compile(folder, 'burn.c');
      const args = ['ci', 'run', '-o', join(folder, 'runs'), '--runs', '2', '--warmup', '0', '--', burn, '400'];
      const { status, stderr } = profilerAsNobody(args, { cwd: folder });
      expect(status, stderr).toBe(0);
      const { runs } = readRuns(join(folder, 'runs'));
      expect(runs.map(({ rung }) => rung)).toEqual(['perf-user', 'perf-user']);
      for (const { profile } of runs) expect(samplesOf(join(folder, 'runs'), profile)).toBeGreaterThan(0);
    });
  },
);
