/** proto */
import { judge } from '../src/gate/judge.ts';
import { parseFloor, parseRule } from '../src/gate/rules.ts';
import { type Simulation, simulate } from './gate-simulation.ts';

const trials = Number(process.argv[2] ?? 300);
const floor = parseFloor(process.argv[3] ?? '0.5pp');
const SETS = [['any>0%'], ['any>5%'], ['any>10%'], ['total>0%'], ['total>2%'], ['total>3%'], ['total>3%', 'any>10%']];
function rates(simulation: Simulation) {
  const failed = SETS.map(() => 0);
  const open = SETS.map(() => 0);
  for (let seed = 1; seed <= trials; seed++) {
    const difference = simulate(simulation, seed * 7919);
    for (const [i, set] of SETS.entries()) {
      const { outcome } = judge(difference, { rules: set.map(parseRule), floor });
      if (outcome === 'regressed') failed[i]!++;
      if (outcome === 'inconclusive') open[i]!++;
    }
  }
  return SETS.map(
    (set, i) =>
      `${set.join('+')} ${((100 * failed[i]!) / trials).toFixed(1)}/${((100 * open[i]!) / trials).toFixed(0)}`,
  ).join('   ');
}
const base: Simulation = { functions: 400, runs: 5, samples: 9990, variation: 0, drift: 0, head: () => 1 };
for (const samples of [1000, 9990])
  for (const variation of [0, 0.05, 0.1])
    console.log('same', samples, variation, rates({ ...base, samples, variation, drift: variation }));
for (const variation of [0, 0.01, 0.02, 0.05])
  console.log('+10 %', variation, rates({ ...base, variation, drift: variation, head: i => (i === 1 ? 1.1 : 1) }));
for (const variation of [0, 0.01, 0.02])
  console.log('all +5 %', variation, rates({ ...base, variation, drift: variation, head: () => 1.05 }));
