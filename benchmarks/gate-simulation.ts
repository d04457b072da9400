/** Runs of a program that never was: counts of samples by function, drawn as a profiler would. */
import type { Difference, DiffRun, DiffSide } from '../src/diff/difference.ts';

/** Uniform numbers in [0, 1), the same ones for the same seed: Mulberry32 of T. Ettinger. */
export function uniform(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Box and Muller. */
export function normal(next: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

export interface Simulation {
  readonly functions: number;
  readonly runs: number;
  /** Of a run of the base. */
  readonly samples: number;
  /** Standard deviation of the logarithm of each function's cost from run to run. */
  readonly variation: number;
  /** The same of everything in a run together: the speed of the machine. */
  readonly drift: number;
  /** What the head costs: by function, 1 for the same. */
  readonly head: (index: number) => number;
}

/** Costs of functions by rank as 1/rank, the second one 8 % of all. */
export function zipf(functions: number): Float64Array {
  const costs = Float64Array.from({ length: functions }, (_, i) => 1 / (i + 1));
  costs[1] = 0;
  const others = costs.reduce((sum, cost) => sum + cost, 0);
  return costs.map((cost, i) => (i === 1 ? 0.08 : (0.92 * cost) / others));
}

/** One run: as many samples as its cost gives, each of a function in proportion to its cost. */
function drawRun(costs: Float64Array, samples: number, next: () => number): Float64Array {
  const sums = new Float64Array(costs.length);
  let total = 0;
  for (let i = 0; i < costs.length; i++) sums[i] = total += costs[i]!;
  const self = new Float64Array(costs.length);
  // Where to begin looking for a part of the total.
  const guide = new Uint16Array(1024);
  for (let part = 0, i = 0; part < guide.length; part++) {
    while (sums[i]! < (total * part) / guide.length) i++;
    guide[part] = i;
  }
  const count = Math.round(samples * total);
  for (let sample = 0; sample < count; sample++) {
    const at = next();
    let found = guide[Math.floor(at * guide.length)]!;
    while (sums[found]! <= at * total && found < costs.length - 1) found++;
    self[found]!++;
  }
  return self;
}

function drawSide(simulation: Simulation, costs: Float64Array, next: () => number): DiffSide {
  const runs = Array.from({ length: simulation.runs }, (_, i): DiffRun => {
    const speed = Math.exp(simulation.drift * normal(next));
    const own = costs.map(cost => cost * speed * Math.exp(simulation.variation * normal(next)));
    const self = drawRun(own, simulation.samples, next);
    const grandTotal = self.reduce((sum, count) => sum + count, 0);
    return {
      name: `run ${i + 1}`,
      self,
      total: self,
      grandTotal,
      samples: grandTotal,
      event: '',
      durationMs: 0,
      losses: {},
    };
  });
  const sum = costs.map((_, i) => runs.reduce((total, { self }) => total + self[i]!, 0));
  return { runs, self: sum, total: sum, grandTotal: runs.reduce((total, run) => total + run.grandTotal, 0) };
}

const NO_STACKS: Difference['stacks'] = {
  names: [],
  frames: { length: 0, name: new Uint32Array(), kind: new Uint8Array(), detail: new Uint32Array() },
  stacks: { length: 0, prefix: new Int32Array(), frame: new Uint32Array() },
  samples: { length: 0, stack: new Int32Array(), value: new Float64Array(), base: new Float64Array() },
};

export function simulate(simulation: Simulation, seed: number): Difference {
  const next = uniform(seed);
  const costs = zipf(simulation.functions);
  const name = Array.from({ length: simulation.functions }, (_, i) => `function_${i}`);
  const file = name.map(() => 'program.c');
  return {
    sampleType: { type: 'samples', unit: 'count' },
    functions: { length: simulation.functions, name, file },
    moved: [],
    base: drawSide(simulation, costs, next),
    head: drawSide(
      simulation,
      costs.map((cost, i) => cost * simulation.head(i)),
      next,
    ),
    stacks: NO_STACKS,
    notes: [],
  };
}
