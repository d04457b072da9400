import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { CommanderError } from 'commander';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { baselineCommand } from '../../src/cli/baseline-command.ts';
import { diffCommand } from '../../src/cli/diff-command.ts';
import { encodePprof } from '../../src/encode/pprof.ts';
import type { GateRun } from '../../src/gate/runs.ts';
import { type Counts, runs } from '../gate/support.ts';
import { testFolder } from '../support/folder.ts';
import type { ProfileOptions } from '../support/profile.ts';

const path = testFolder();
let said = '';
let out = '';

beforeEach(() => {
  said = '';
  out = '';
  vi.spyOn(process.stderr, 'write').mockImplementation(chunk => {
    said += String(chunk);
    return true;
  });
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk, ...rest) => {
    out += String(chunk);
    const done = rest.find(argument => typeof argument === 'function');
    done?.();
    return true;
  });
  return () => {
    vi.restoreAllMocks();
    process.exitCode = 0;
  };
});

async function run(...args: string[]): Promise<number> {
  const command = args[0] === 'baseline' ? baselineCommand() : diffCommand();
  await command.parseAsync(args.slice(1), { from: 'user' });
  return Number(process.exitCode);
}

/** Writes a pprof for each run; returns the paths. */
function write(name: string, counts: Counts, more: ProfileOptions = {}): string[] {
  return runs(counts, {}, more).map((profile, i) => {
    const file = path(`${name}-${i + 1}.pb.gz`);
    writeFileSync(file, gzipSync(encodePprof(profile)));
    return file;
  });
}

const before: Counts = { 'app;parse': [300, 305, 298, 301, 296], 'app;sort': [700, 695, 702, 699, 704] };
const after: Counts = { 'app;parse': [400, 404, 397, 399, 400], 'app;sort': [600, 596, 603, 601, 600] };
const [base, head] = [write('before', before), write('after', after)];
const sides = ['--base', ...base, '--head', ...head];

describe('exit codes', () => {
  test('0: nothing got slower than allowed', async () => {
    expect(await run('diff', '--base', ...base, '--head', ...base.map(copy), '--fail-on', 'any>10%')).toBe(0);
    expect(out).toMatch(
      /^gate ok \(5 and 5 runs, 5,000 and 5,000 samples, floor 0.50 pp\)\nok: any>10%, of 2 tested\n/,
    );
  });

  test('3: regressed', async () => {
    expect(await run('diff', ...sides, '--fail-on', 'any>10%', '-o', path('r.svg'))).toBe(3);
    expect(said).toContain('gate REGRESSED: any>10% (5 and 5 runs');
    expect(said).toContain('  REGRESSED: parse (app), self: 30.00 % → 40.00 %');
  });

  test('inconclusive: 0 and a warning, or 4 with --strict', async () => {
    const rule = ['--fail-on', 'self:func:parse>33%', '-o', path('i.svg')];
    expect(await run('diff', ...sides, ...rule)).toBe(0);
    expect(said).toMatch(/warning: gate inconclusive.*\n.*\n {2}inconclusive: .* would tell|too close/);
    expect(await run('diff', ...sides, ...rule, '--strict')).toBe(4);
  });

  test('2: a rule that is not understood', async () => {
    await expect(run('diff', ...sides, '--fail-on', 'parse>5%')).rejects.toThrow('is not understood');
    await expect(run('diff', ...sides, '--fail-on', 'any>5%', '--floor', '5')).rejects.toThrow('--floor is given');
    await expect(run('diff', ...sides, '--fail-on', 'any>5%', '--allow', '/(/')).rejects.toThrow('--allow: /(/');
    await expect(run('diff', ...sides, '--base-windows', '0')).rejects.toThrow(CommanderError);
  });

  test('7: a report that cannot be written, whatever the verdict', async () => {
    expect(await run('diff', ...sides, '--fail-on', 'any>10%', '-o', path('missing/r.md'))).toBe(7);
  });
});

/** Another file of the same content. */
function copy(file: string): string {
  const other = `${file}.copy`;
  writeFileSync(other, readFileSync(file));
  return other;
}

describe('reports', () => {
  test('every format by its name', async () => {
    const outputs = ['gate.txt', 'gate.json', 'gate.xml', 'gate.md', 'gate.svg', 'gate.html'].map(name => path(name));
    const flags = outputs.flatMap(output => ['-o', output]);
    expect(await run('diff', ...sides, '--fail-on', 'any>10%', ...flags, '--link-base', 'https://ci.example/')).toBe(3);
    const [text, json, xml, markdown] = outputs.map(output => readFileSync(output, 'utf8'));
    expect(text).toMatch(/^gate REGRESSED/);
    expect(JSON.parse(json!)).toMatchObject({ format: 'profiler-diff', gate: { outcome: 'regressed' } });
    expect(xml).toContain('<failure message="REGRESSED: any&gt;10%');
    expect(markdown).toContain('](<https://ci.example/gate.svg>)');
  });

  test('Markdown of a difference without rules', async () => {
    expect(await run('diff', ...sides, '-o', path('plain.md'))).toBe(0);
    expect(readFileSync(path('plain.md'), 'utf8')).toContain('### Functions that changed most');
    expect(said).not.toContain('gate');
  });
});

describe('the allow-list', () => {
  test('a name, or a file of them', async () => {
    expect(await run('diff', ...sides, '--fail-on', 'any>10%', '--allow', 'parse')).toBe(0);
    writeFileSync(path('allowed'), '# known\n\n  /^par/  \n');
    expect(await run('diff', ...sides, '--fail-on', 'any>10%', '--allow', path('allowed'))).toBe(0);
    expect(await run('diff', ...sides, '--fail-on', 'any>10%', '--allow', 'other')).toBe(3);
  });
});

/** A folder as `profiler ci run` leaves it. */
function runsFolder(name: string, change: (run: GateRun) => Partial<GateRun> = () => ({})): string {
  mkdirSync(path(name));
  const all = [before, after].flatMap((counts, side): GateRun[] => {
    return runs(counts).map((profile, i) => {
      const run: GateRun = {
        side: side === 0 ? 'base' : 'head',
        index: i + 1,
        profile: `${side === 0 ? 'base' : 'head'}-${i + 1}.pb.gz`,
        status: 0,
        wallMs: 100,
        cpuMs: 90,
        metric: side === 0 ? 100 + i : 120 + i,
        metricName: 'cpu ms',
        rung: 'bpf',
      };
      writeFileSync(path(`${name}/${run.profile}`), encodePprof(profile));
      return { ...run, ...change(run) };
    });
  });
  writeFileSync(path(`${name}/runs.json`), JSON.stringify({ version: 1, event: 'cpu', hz: 999, runs: all }));
  return path(name);
}

describe('a folder of runs', () => {
  test('both sides, and what they cost', async () => {
    const folder = runsFolder('both');
    expect(await run('diff', '--runs', folder, '--fail-on', 'total>10%')).toBe(3);
    expect(out).toMatch(/REGRESSED: cpu ms: 102 → 122, \+19\.6 %/);
  });

  test('the head, with a base from elsewhere', async () => {
    const folder = runsFolder('heads');
    expect(await run('diff', '--runs', folder, '--base', ...base, '--fail-on', 'any>10%')).toBe(3);
    expect(out).toContain('note: Not all runs have the same metric: the total is that of the profiles.');
  });

  test('the head alone is a first run', async () => {
    const folder = runsFolder('alone');
    const { runs: all, ...facts } = JSON.parse(readFileSync(`${folder}/runs.json`, 'utf8'));
    const heads = all.filter(({ side }: GateRun) => side === 'head');
    writeFileSync(`${folder}/runs.json`, JSON.stringify({ ...facts, runs: heads }));
    expect(await run('diff', '--runs', folder, '--fail-on', 'any>10%')).toBe(0);
    expect(out).toContain(`Nothing to compare with: "${folder}" has no runs of a base.`);
  });

  test('a run whose command crashed: told, left out, and its status wins', async () => {
    const folder = runsFolder('crashed', ({ side, index }) => ({ status: side === 'head' && index === 3 ? 139 : 0 }));
    expect(await run('diff', '--runs', folder, '--fail-on', 'any>10%', '-o', path('c.json'))).toBe(139);
    expect(said).toContain('head run 3 exited with 139: not compared.');
    expect(JSON.parse(readFileSync(path('c.json'), 'utf8')).gate.runs).toEqual({ base: 5, head: 4 });
  });

  test('all of a side crashed: nothing is compared', async () => {
    const folder = runsFolder('all-crashed', ({ side }) => ({ status: side === 'head' ? 1 : 0 }));
    expect(await run('diff', '--runs', folder, '--fail-on', 'any>10%')).toBe(1);
    expect(said.match(/not compared/g)).toHaveLength(5);
  });

  test('sides that were sampled in different ways are refused', async () => {
    const folder = runsFolder('rungs', ({ side }) => ({ rung: side === 'head' ? 'perf-user' : 'bpf' }));
    const flags = ['diff', '--runs', folder, '--fail-on', 'any>10%'];
    await expect(run(...flags)).rejects.toThrow('the base was sampled by bpf, the head by perf-user.');
    expect(await run(...flags, '--force')).toBe(3);
  });

  test.each([
    ['{', 'it is no JSON, or too large'],
    ['{"version":2,"event":"cpu","hz":999,"runs":[]}', 'version: Invalid input: expected 1'],
    [
      '{"version":1,"event":"cpu","hz":999,"runs":[{"side":"head","index":1,"profile":"../x","status":0,"wallMs":1,"cpuMs":1,"metric":null,"metricName":"","rung":"bpf"}]}',
      'runs.0.profile: a name of a file in the same folder',
    ],
  ])('a description that cannot be: %.40s', async (text, reason) => {
    mkdirSync(path('bad'), { recursive: true });
    writeFileSync(path('bad/runs.json'), text);
    await expect(run('diff', '--runs', path('bad'))).rejects.toThrow(
      `cannot read "${path('bad/runs.json')}": ${reason}.`,
    );
  });

  test('no folder of runs', async () => {
    await expect(run('diff', '--runs', path('nowhere'))).rejects.toThrow('it does not exist.');
  });
});

describe('a base that is missing', () => {
  const missing = ['--base', path('none-1.pb.gz'), path('none-2.pb.gz'), '--head', ...head];

  test('is a first run: told, and passes, also with --strict', async () => {
    const flags = ['--fail-on', 'total>3%', '--strict', '-o', path('first.md'), '-o', path('first.svg')];
    expect(await run('diff', ...missing, ...flags)).toBe(0);
    expect(said).toContain('warning: gate: no base, 5 runs of the head\n');
    expect(said).toContain(`Nothing to compare with: the base does not exist ("${path('none-1.pb.gz')}"`);
    expect(readFileSync(path('first.md'), 'utf8')).toContain('no base');
    expect(readFileSync(path('first.svg'), 'utf8')).toContain('<title>parse\n');
  });

  test('is a mistake without rules, or when a part of it is there', async () => {
    await expect(run('diff', ...missing)).rejects.toThrow(`cannot read "${path('none-1.pb.gz')}": it does not exist.`);
    const part = ['--base', path('none-1.pb.gz'), base[0]!, '--head', ...head, '--fail-on', 'total>3%'];
    await expect(run('diff', ...part)).rejects.toThrow('it does not exist.');
  });

  test('a missing head is a mistake', async () => {
    const flags = ['diff', '--base', ...base, '--head', path('none.pb.gz'), '--fail-on', 'any>1%'];
    await expect(run(...flags)).rejects.toThrow('it does not exist.');
    await expect(run('diff', '--base', ...base, '--fail-on', 'any>1%')).rejects.toThrow('no profile for the head');
  });
});

describe('sides that were measured differently', () => {
  const commented = (name: string, comment: string) => write(name, after, { comments: [comment] });

  test('events', async () => {
    const cycles = write('cycles', before, { comments: ['cycles at 999 Hz'] });
    const flags = ['--base', ...cycles, '--head', ...commented('clock', 'cpu-clock at 999 Hz'), '--fail-on', 'any>9%'];
    await expect(run('diff', ...flags)).rejects.toThrow(
      `"${cycles[0]}" is of the event cycles, "${path('clock-1.pb.gz')}" of cpu-clock.`,
    );
    expect(await run('diff', ...flags, '--force')).toBe(3);
  });

  test('profiles of another tool say nothing of events, and are compared', async () => {
    writeFileSync(path('other.folded'), 'parse 300\nsort 700\n');
    const flags = ['--base', path('other.folded'), '--head', head[0]!, '--fail-on', 'any>10%', '--force'];
    expect(await run('diff', ...flags)).toBe(3);
    expect(out).toContain('note: base: nothing says by which event it was sampled.\n');
    expect(out).toContain('note: One profile a side');
  });
});

describe('baseline files', () => {
  const file = path('baseline.json');

  test('are made of runs, and stand for them', async () => {
    expect(await run('baseline', ...base, '-o', file)).toBe(0);
    expect(said).toContain(`wrote ${file}: 5 runs, 2 functions\n`);
    await expect(readFileSync(file, 'utf8')).toMatchFileSnapshot('golden/baseline.json');
    expect(await run('diff', '--base', file, '--head', ...head, '--fail-on', 'any>10%', '-o', path('b.json'))).toBe(3);
    expect(said).toContain(`base: "${file}" has no stacks`);
    const { gate } = JSON.parse(readFileSync(path('b.json'), 'utf8'));
    expect(gate.runs).toEqual({ base: 5, head: 5 });
    const self = gate.functions.find(
      ({ name, measure }: Record<string, string>) => name === 'parse' && measure === 'self',
    );
    expect(self.basePercent).toBeCloseTo(30, 9);
  });

  test('are updated in place, the same of the same', async () => {
    const again = path('again.json');
    await run('baseline', ...head, '-o', again);
    await run('baseline', ...base, '-o', again);
    expect(readFileSync(again, 'utf8')).toBe(readFileSync(file, 'utf8'));
  });

  test('have what the runs cost', async () => {
    const folder = runsFolder('costs');
    expect(await run('baseline', '--runs', folder, '-o', path('costs.json'))).toBe(0);
    expect(await run('diff', '--base', path('costs.json'), '--runs', folder, '--fail-on', 'total>10%')).toBe(0);
    expect(out).toMatch(/ok: total>10%/);
  });

  test('that are damaged are no bases', async () => {
    const text = readFileSync(file, 'utf8');
    for (const [bad, reason] of [
      [text.slice(0, -10), 'it is not JSON'],
      [text.replace('"version": 1', '"version": 9'), 'version: Invalid input: expected 1'],
      [text.replace(/"self":\[[^\]]*/, '"self":[0.5'), 'a function has not as many shares as there are runs'],
      [text.replace(/"self":\[[^\]]*/, '"self":[7'), 'functions.0.self.0: '],
    ]) {
      writeFileSync(path('damaged.json'), bad!);
      await expect(run('diff', '--base', path('damaged.json'), '--head', ...head)).rejects.toThrow(reason);
    }
  });

  test('are not made of nothing', async () => {
    await expect(run('baseline', '-o', file)).rejects.toThrow('there is no profile to make a baseline of.');
    await expect(run('baseline', file, '-o', path('x.json'))).rejects.toThrow('is a baseline.');
    await expect(run('baseline', ...write('empty', { 'app;f': [0] }), '-o', file)).rejects.toThrow('holds no samples.');
  });
});
