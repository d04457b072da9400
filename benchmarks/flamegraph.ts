/**
 * Flame graphs of large profiles: medians in ms, of the whole tree and of a picture with the layout that it needs, the size
 * of the picture, and the peak memory of the process so far. `node dist/benchmarks/flamegraph.js`
 */

import { type FlameData, flameGraphSvg, layout } from '../flamegraph/index.ts';
import { median } from './support.ts';

const RUNS = 5;

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

interface Shape {
  readonly title: string;
  readonly stacks: number;
  readonly depth: number;
  /** How many of the outermost frames the stacks share on average, as callers do; 0: none. */
  readonly shared: number;
}

/** Distinct stacks of 3,000 functions with C++-like names. Every prefix is in the table once. */
function profile({ stacks, depth, shared }: Shape): FlameData {
  const next = random(42);
  const functions = 3000;
  const names = ['', 'libbench.so'];
  for (let i = 0; i < functions; i++)
    names.push(`bench::module_${i % 60}::Class${i % 400}<int>::method_${i}(char const*)`);
  const prefix = new Int32Array(stacks * depth);
  const frame = new Uint32Array(stacks * depth);
  let length = 0;
  const samples = { length: stacks, stack: new Int32Array(stacks), value: new Float64Array(stacks) };
  let path: number[] = [];
  for (let i = 0; i < stacks; i++) {
    path = path.slice(0, Math.min(depth - 1, Math.floor(next() * 2 * shared)));
    while (path.length < depth) {
      prefix[length] = path.at(-1) ?? -1;
      frame[length] = Math.floor(next() ** 2 * functions);
      path.push(length++);
    }
    samples.stack[i] = path.at(-1)!;
    samples.value[i] = 1 + Math.floor(next() ** 6 * 2000);
  }
  return {
    names,
    frames: {
      length: functions,
      name: Uint32Array.from({ length: functions }, (_, i) => i + 2),
      kind: Uint8Array.from({ length: functions }, (_, i) => i % 4),
      detail: new Uint32Array(functions).fill(1),
    },
    stacks: { length, prefix: prefix.subarray(0, length), frame: frame.subarray(0, length) },
    samples,
  };
}

/** ms, the median of RUNS. */
function time(run: () => void): number {
  const times = Array.from({ length: RUNS }, () => {
    const start = performance.now();
    run();
    return performance.now() - start;
  });
  return median(times);
}

const shapes: readonly Shape[] = [
  { title: '2,000 × 40, shared callers', stacks: 2000, depth: 40, shared: 15 },
  { title: '20,000 × 40, shared callers', stacks: 20_000, depth: 40, shared: 15 },
  { title: '20,000 × 40, nothing shared', stacks: 20_000, depth: 40, shared: 0 },
  { title: '100,000 × 29, shared callers', stacks: 100_000, depth: 29, shared: 11 },
  { title: '100,000 × 29, nothing shared', stacks: 100_000, depth: 29, shared: 0 },
  { title: '500,000 × 29, shared callers', stacks: 500_000, depth: 29, shared: 11 },
];

for (const shape of shapes) {
  const data = profile(shape);
  let nodes = 0;
  const layoutMs = time(() => {
    nodes = layout(data).length;
  });
  let bytes = 0;
  const svgMs = time(() => {
    bytes = 0;
    for (const chunk of flameGraphSvg(data)) bytes += Buffer.byteLength(chunk);
  });
  const row = [
    shape.title.padEnd(30),
    `${data.stacks.length.toLocaleString('en')} prefixes`.padStart(19),
    `${nodes.toLocaleString('en')} nodes`.padStart(16),
    `tree ${layoutMs.toFixed(1).padStart(6)} ms`,
    `picture ${svgMs.toFixed(1).padStart(6)} ms`,
    `${(bytes / 1e6).toFixed(2)} MB`,
    `peak ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`,
  ];
  console.log(row.join('  '));
}
