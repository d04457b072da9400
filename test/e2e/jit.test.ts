import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/package.ts';
import { Backend, startAgent, until } from '../support/agent.ts';
import { readPprof } from '../support/pprof.ts';
import {
  compile,
  needsBpf,
  obstacle,
  profiler,
  type Run,
  sleep,
  start,
  stopAll,
  workFolder,
} from '../support/profiler.ts';
import { pythonWithPerf } from '../support/python.ts';
import { onPath } from '../support/unwind.ts';
import { nodeOf } from '../support/unwind-targets.ts';

const load = join(packageRoot, 'test/programs/jit/load.cjs');
const flag = '--perf-basic-prof-only-functions';

interface Frame {
  /** '' for a frame without a name. */
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly module: string;
}

interface Sample {
  /** Outermost first. */
  readonly frames: readonly Frame[];
  readonly count: number;
}

function readSamples(path: string): Sample[] {
  const { raw, samples } = readPprof(path);
  const text = (index: number | bigint) => raw.stringTable.strings[Number(index)] ?? '';
  const functions = new Map(raw.function.map(f => [Number(f.id), { name: text(f.name), file: text(f.filename) }]));
  const modules = new Map(raw.mapping.map(({ id, filename }) => [Number(id), text(filename)]));
  const frames = new Map(
    raw.location.map(({ id, line, mappingId }) => {
      const known = functions.get(Number(line.at(-1)?.functionId ?? 0)) ?? { name: '', file: '' };
      const module = modules.get(Number(mappingId)) ?? '';
      return [Number(id), { ...known, line: Number(line.at(-1)?.line ?? 0), module }];
    }),
  );
  return raw.sample.map(({ locationId }, i) => ({
    frames: locationId.toReversed().map(id => frames.get(Number(id))!),
    count: samples[i]!.values[0]!,
  }));
}

/** Samples with these calls, one right below the other. */
function callsOf(samples: readonly Sample[], ...names: readonly string[]): number {
  return samples
    .filter(({ frames }) => frames.some((_, i) => names.every((name, j) => frames[i + j]?.name === name)))
    .reduce((sum, { count }) => sum + count, 0);
}

const total = (samples: readonly Sample[]) => samples.reduce((sum, { count }) => sum + count, 0);

/** The share of the frames of generated code that have a name, and of all frames but those of libraries without symbols. */
function namedShares(samples: readonly Sample[]) {
  const share = (isCounted: (frame: Frame) => boolean) => {
    let [all, named] = [0, 0];
    for (const { frames, count } of samples) {
      for (const frame of frames.filter(isCounted)) {
        all += count;
        if (frame.name !== '') named += count;
      }
    }
    return named / all;
  };
  return {
    generated: share(({ module }) => module === '[anon]' || module.startsWith('//anon')),
    all: share(({ module }) => !/^(?:libc|libstdc\+\+|libm)[.-]/.test(basename(module))),
  };
}

describe.skipIf(obstacle)(needsBpf('generated code'), () => {
  const folder = workFolder();
  afterAll(stopAll);

  function record(...args: readonly string[]): Run & { readonly samples: Sample[]; readonly folder: string } {
    const cwd = mkdtempSync(join(folder, 'run-'));
    const run = profiler(['record', '-o', 'out.pb.gz', ...args], { cwd });
    expect(run.status, run.stderr).toBe(0);
    return { ...run, samples: readSamples(join(cwd, 'out.pb.gz')), folder: cwd };
  }

  /** Records a process that runs already. */
  async function recordRunning(command: string, args: readonly string[], ...more: readonly string[]) {
    const child = start(command, args, { cwd: mkdtempSync(join(folder, 'target-')) });
    await sleep(1500);
    try {
      return { ...record('-p', `${child.pid}`, '-d', '2', ...more), pid: child.pid };
    } finally {
      child.kill('SIGKILL');
      for (const name of [`perf-${child.pid}.map`, `jit-${child.pid}.dump`]) rmSync(`/tmp/${name}`, { force: true });
    }
  }

  function expectJavaScript({ samples }: { readonly samples: readonly Sample[] }): void {
    expect(callsOf(samples, 'interpreted', 'compiled')).toBeGreaterThan(total(samples) * 0.5);
    expect(callsOf(samples, '(anonymous)', 'compiled')).toBeGreaterThan(total(samples) * 0.1);
    const compiled = samples.flatMap(({ frames }) => frames).find(({ name }) => name === 'compiled')!;
    expect(compiled).toMatchObject({ file: load, line: 6 });
    const shares = namedShares(samples);
    expect(shares.generated, JSON.stringify(shares)).toBeGreaterThan(0.995);
    expect(shares.all, JSON.stringify(shares)).toBeGreaterThan(0.995);
  }

  const nodes = [20, 22, 24].map(version => {
    const own = Number(process.versions.node.split('.')[0]) === version;
    return { version, path: own ? process.execPath : nodeOf(version, 'cache') };
  });

  describe.each(nodes)('Node.js $version', ({ version, path = '' }) => {
    const title = path === '' ? ` (skipped: needs node ${version} in the cache of npm)` : '';

    test.skipIf(!path)(`has names with no flags of the user, and leaves nothing behind${title}`, () => {
      const run = record('-F', '99', '--', path, load, '3');
      expectJavaScript(run);
      expect(readdirSync(run.folder)).toEqual(['out.pb.gz']);
      const pid = /^pid-(\d+)$/m.exec(record('--', path, '-e', 'console.log("pid-" + process.pid)').stdout)![1];
      expect(existsSync(`/tmp/perf-${pid}.map`)).toBe(false);
    });

    test.skipIf(!path)(`has names in a process that was started with the flag${title}`, async () => {
      const run = await recordRunning(path, [flag, '--interpreted-frames-native-stack', load, '600'], '-F', '999');
      expectJavaScript(run);
      expect(run.stderr).not.toMatch(/is not read/);
    });
  });

  test('in a flame graph', () => {
    const { folder: cwd } = record('-o', 'out.svg', '--', process.execPath, load, '2');
    const svg = readFileSync(join(cwd, 'out.svg'), 'utf8');
    for (const name of ['interpreted', 'compiled', '(anonymous)']) expect(svg).toContain(name);
  });

  test('of Node.js below a script of npm', () => {
    const project = mkdtempSync(join(folder, 'project-'));
    writeFileSync(join(project, 'package.json'), JSON.stringify({ scripts: { load: `node ${load} 2` } }));
    const run = record('--', 'npm', '--prefix', project, 'run', '--silent', 'load');
    expect(callsOf(run.samples, 'interpreted', 'compiled')).toBeGreaterThan(20);
    expect(readdirSync(project)).toEqual(['package.json']);
  });

  test('has no names with --no-node-flags, and says so', () => {
    const run = record('--no-node-flags', '--', process.execPath, load, '2');
    expect(callsOf(run.samples, 'compiled')).toBe(0);
    expect(run.stderr).toMatch(/frames without a name: .* generated code/);
    expect(run.stderr).toMatch(
      /JavaScript has no names: start Node.js with NODE_OPTIONS=--perf-basic-prof-only-functions/,
    );
  });

  test('keeps the map of a user who asked for one', () => {
    const run = record('--', process.execPath, flag, '-e', 'console.log("pid-" + process.pid)');
    const map = `/tmp/perf-${/^pid-(\d+)$/m.exec(run.stdout)![1]}.map`;
    expect(existsSync(map)).toBe(true);
    rmSync(map);
  });

  test('has the lines of a jitdump', () => {
    // V8 writes it in pieces of 2 MB, and the last one at its end.
    const { samples } = record('-F', '999', '--', process.execPath, '--perf-prof', load, '2');
    const frames = samples.flatMap(stack => stack.frames).filter(({ name }) => name === 'compiled');
    expect(frames.length).toBeGreaterThan(0);
    for (const { file, line } of frames) {
      expect(file).toBe(load);
      expect(line).toBeGreaterThanOrEqual(6); // where the function begins, or deeper in it
      expect(line).toBeLessThanOrEqual(10);
    }
  });

  test.skipIf(process.arch !== 'x64')('has the lines of any jitdump that is mapped (needs x86-64)', () => {
    const program = compile(folder, 'jit/jitdump.c');
    const dump = join(folder, 'jit-1.dump');
    const { samples } = record('-F', '999', '--', program, dump, '1');
    const frames = samples.flatMap(stack => stack.frames).filter(({ name }) => name === 'spin');
    expect(frames[0]).toMatchObject({ file: '/src/spin.lang', line: 11 });
    expect(callsOf(samples, 'main', 'spin')).toBeGreaterThan(total(samples) * 0.9);
  });

  const canNest = spawnSync('unshare', ['--pid', '--fork', '--mount', '--mount-proc', 'true']).status === 0;
  test.skipIf(!canNest)('in a container has the names that its map there has (needs unshare)', async () => {
    // In another folder than /tmp, which the container has one of its own of.
    const copy = mkdtempSync('/var/tmp/profiler-');
    writeFileSync(join(copy, 'script.cjs'), readFileSync(load));
    const script = `mount -t tmpfs none /tmp && exec ${process.execPath} ${flag} ${copy}/script.cjs 600`;
    const outside = start('unshare', ['--pid', '--fork', '--mount', '--mount-proc', 'sh', '-c', script]);
    await sleep(1500);
    const pid = readFileSync(`/proc/${outside.pid}/task/${outside.pid}/children`, 'utf8').trim();
    const { samples } = record('-p', pid, '-d', '2');
    process.kill(Number(pid), 'SIGKILL');
    await once(outside, 'exit');
    rmSync(copy, { recursive: true });
    expect(callsOf(samples, 'compiled')).toBeGreaterThan(total(samples) * 0.5);
  });

  const python = pythonWithPerf();
  test.skipIf(!python)('of CPython has the names of its map (needs Python 3.12 with -X perf)', async () => {
    const script = join(packageRoot, 'test/programs/jit/load.py');
    const { samples } = await recordRunning(python!, ['-X', 'perf', script, '600'], '-F', '999');
    const inner = samples.flatMap(({ frames }) => frames).find(({ name }) => name === 'Worker.inner');
    expect(inner?.file).toBe(script);
    // Not all of a stack: the code that stands for a function saves no frame pointer, and nothing tells how to unwind it.
    const calls = samples.filter(({ frames }) => frames.some(({ name }) => name.startsWith('Worker.inner')));
    expect(total(calls)).toBeGreaterThan(total(samples) * 0.9);
  });

  test.skipIf(!onPath('javac'))('of a JVM has names when it is asked for them (needs javac)', async () => {
    const classes = mkdtempSync(join(folder, 'java-'));
    execFileSync('javac', ['-d', classes, join(packageRoot, 'test/programs/unwind/Load.java')]);
    const args = ['-XX:+PreserveFramePointer', '-cp', classes, 'Load', '600'];
    const run = await recordRunning('java', args, '-F', '999', '--jvm-perfmap');
    const names = new Set(run.samples.flatMap(({ frames }) => frames.map(({ name }) => name)));
    expect(names).toContain('int Load.descend(int, java.util.function.IntSupplier)');
    expect(names).toContain('Interpreter');
    expect(namedShares(run.samples).generated).toBeGreaterThan(0.99);
    expect(existsSync(`/tmp/perf-${run.pid}.map`)).toBe(false);
  });

  test.skipIf(!onPath('javac'))('of a JVM below a command has names though it has ended (needs javac)', () => {
    const classes = mkdtempSync(join(folder, 'java-'));
    execFileSync('javac', ['-d', classes, join(packageRoot, 'test/programs/unwind/Load.java')]);
    const run = record('--jvm-perfmap', '--', 'java', '-cp', classes, 'Load', '3');
    const calls = Array(5).fill('int Load.descend(int, java.util.function.IntSupplier)');
    expect(callsOf(run.samples, ...calls)).toBeGreaterThan(total(run.samples) * 0.1);
    expect(namedShares(run.samples).generated).toBeGreaterThan(0.95);
  });

  test('is named window by window by the agent', async () => {
    const backend = await new Backend().start();
    const home = mkdtempSync(join(folder, 'agent-'));
    const sinks = [{ type: 'http', url: backend.url }];
    const services = [{ match: { exe: '.*/node' }, name: 'script' }];
    const child = start(process.execPath, [flag, load, '600']);
    const targets = { pids: [child.pid] };
    const config = {
      window: '1s',
      frequency: 199,
      jitter: 0,
      sinks,
      services,
      targets,
      http: { address: '127.0.0.1:0' },
    };
    const agent = await startAgent(home, config);
    await until(() => backend.of('script').length >= 3);
    await agent.stop();
    child.kill('SIGKILL');
    rmSync(`/tmp/perf-${child.pid}.map`, { force: true });
    for (const { profile } of backend.of('script')) {
      expect(profile.samples.some(({ frames }) => frames.includes('compiled'))).toBe(true);
      expect(profile.samples.flatMap(({ frames }) => frames)).not.toContain('[unknown: jit]');
    }
  });
});
