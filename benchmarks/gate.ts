/**
 * How often the gate fails when nothing has changed, and how often it finds what has: over simulated runs, whose truth is
 * known, and over real ones of programs of this machine. `node dist/benchmarks/gate.js [trials [real comparisons]]`
 */
import { judge } from '../src/gate/judge.ts';
import { parseFloor, parseRule } from '../src/gate/rules.ts';
import { realRuns } from './gate-real.ts';
import { type Simulation, simulate } from './gate-simulation.ts';
import { table } from './support.ts';

const RUNS = 5;
const FUNCTIONS = 400;
/** Of 10 s at 999 Hz on one CPU. */
const SAMPLES = 9990;
const FLOORS = ['0.5pp', '0.4pp'];

/** In percent, the trials in which the rules fail together. */
function failures(
  trials: number,
  simulation: Simulation,
  sets: readonly (readonly string[])[],
  floor: string,
): string[] {
  const rules = sets.map(set => set.map(parseRule));
  const failed = sets.map(() => 0);
  for (let seed = 1; seed <= trials; seed++) {
    const difference = simulate(simulation, seed * 7919);
    for (const [i, set] of rules.entries()) {
      if (judge(difference, { rules: set, floor: parseFloor(floor) }).outcome === 'regressed') failed[i]!++;
    }
  }
  return failed.map(count => `${((100 * count) / trials).toFixed(1)} %`);
}

const SAME: Simulation = { functions: FUNCTIONS, runs: RUNS, samples: SAMPLES, variation: 0, drift: 0, head: () => 1 };

function falseFailures(trials: number): void {
  const sets = [['any>0%'], ['any>10%'], ['total>3%'], ['total>3%', 'any>10%']];
  console.log(`\nfalse failures of ${trials}: ${RUNS} runs a side, ${FUNCTIONS} functions, nothing has changed`);
  const rows = [['floor', 'samples a run', 'runs vary by', ...sets.map(set => set.join(' '))]];
  for (const floor of FLOORS) {
    for (const variation of [0, 0.05, 0.1]) {
      const simulation = { ...SAME, variation, drift: variation };
      rows.push([floor, String(SAMPLES), `${100 * variation} %`, ...failures(trials, simulation, sets, floor)]);
    }
  }
  for (const variation of [0, 0.05, 0.1]) {
    const simulation = { ...SAME, samples: 1000, variation, drift: variation };
    rows.push(['0.5pp', '1000', `${100 * variation} %`, ...failures(trials, simulation, sets, '0.5pp')]);
  }
  table(rows);
}

function found(trials: number): void {
  const functions = [['any>0%'], ['func:function_1>0%']];
  console.log(
    `\nfound of ${trials}: one function of 8 % takes 10 % more (its share grows by 9.1 %), ${RUNS} × 10 s at 999 Hz`,
  );
  const rows = [['floor', 'runs vary by', ...functions.map(set => set.join(' '))]];
  for (const floor of FLOORS) {
    for (const variation of [0, 0.01, 0.02, 0.05]) {
      const simulation = { ...SAME, variation, drift: variation, head: (i: number) => (i === 1 ? 1.1 : 1) };
      rows.push([floor, `${100 * variation} %`, ...failures(trials, simulation, functions, floor)]);
    }
  }
  table(rows);
  const totals = [['total>0%'], ['total>1%'], ['total>2%'], ['total>3%']];
  console.log(`\nfound of ${trials}: everything takes 5 % more`);
  const slower = [['totals vary by', ...totals.map(set => set.join(' '))]];
  for (const drift of [0.005, 0.01, 0.02, 0.03]) {
    const simulation = { ...SAME, variation: drift, drift, head: () => 1.05 };
    slower.push([`${100 * drift} %`, ...failures(trials, simulation, totals, '0.5pp')]);
  }
  table(slower);
}

const [trials = 1000, comparisons = 20] = process.argv.slice(2).map(Number);
if (trials > 0) {
  falseFailures(trials);
  found(trials);
}
if (comparisons > 0) await realRuns(comparisons);
