/** The gate over real recordings: the same program against itself, again and again. Needs what `profiler record` needs. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodePprof } from '../src/decode/pprof.ts';
import { diffProfiles } from '../src/diff/difference.ts';
import { judge } from '../src/gate/judge.ts';
import { parseFloor, parseRule } from '../src/gate/rules.ts';
import type { Profile } from '../src/model/profile.ts';
import { folder, has, profiler, table } from './support.ts';

const RUNS = 5;
const SETS = [['any>0%'], ['any>10%'], ['total>3%', 'any>10%']];

/** About a second of work each, the same work every time: of C, of an interpreter, of a JIT with garbage. */
function programs(): Record<string, readonly string[]> {
  const python = 'import json\nfor i in range(9000): json.loads(json.dumps({str(k): [k] * 9 for k in range(60)}))';
  const node =
    'for (let i = 0; i < 900; i++) JSON.parse(JSON.stringify(Array.from({ length: 4000 }, (_, k) => ({ k, t: "x" + k }))))';
  const [numbers, lines] = [join(folder, 'numbers'), join(folder, 'lines')];
  execFileSync('sh', [
    '-c',
    `seq 1 100000 | sed 's/.*/& & &/' > ${numbers}; seq 1 3000000 | sed 's/.*/& & &/' > ${lines}`,
  ]);
  return {
    gzip: ['gzip', '-9', '-c', numbers],
    sort: ['sort', '-r', '-k', '2', '--parallel=1', lines],
    node: [process.execPath, '-e', node],
    ...(has('python3') && { python3: ['python3', '-c', python] }),
  };
}

function record(command: readonly string[]): Profile {
  const output = join(folder, 'run.pb.gz');
  const [node = '', ...main] = profiler;
  execFileSync(node, [...main, 'record', '-F', '999', '-q', '-o', output, '--', ...command], { stdio: 'ignore' });
  return decodePprof(readFileSync(output));
}

/** @param comparisons of each program, of 5 against 5 runs, that take turns; each takes ten runs of about a second */
export async function realRuns(comparisons: number): Promise<void> {
  console.log(`\nfalse failures of ${comparisons} real comparisons each: ${RUNS} runs a side in turns, floor 0.5 pp`);
  const rows = [['program', 'samples a run', ...SETS.map(set => set.join(' ')), 'what failed']];
  for (const [name, command] of Object.entries(programs())) {
    const failed = SETS.map(() => 0);
    const what = new Set<string>();
    let samples = 0;
    record(command); // warms the page cache and the unwind tables
    for (let i = 0; i < comparisons; i++) {
      const sides: [Profile[], Profile[]] = [[], []];
      for (let run = 0; run < 2 * RUNS; run++) sides[run % 2]!.push(record(command));
      const difference = diffProfiles(...sides);
      samples += difference.head.runs.reduce((sum, one) => sum + one.samples, 0) / RUNS / comparisons;
      for (const [s, set] of SETS.entries()) {
        const verdict = judge(difference, { rules: set.map(parseRule), floor: parseFloor('0.5pp') });
        if (verdict.outcome !== 'regressed') continue;
        failed[s]!++;
        for (const { findings } of verdict.rules) {
          for (const { outcome, test } of findings) if (outcome === 'regressed') what.add(test.name);
        }
      }
    }
    rows.push([name, samples.toFixed(0), ...failed.map(String), [...what].slice(0, 5).join(', ')]);
  }
  table(rows);
}
