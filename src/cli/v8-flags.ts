/**
 * What V8 is told about compiling and collecting garbage. Set at run time: on the command line of Node.js, flags cost it
 * the code that it brings along compiled. Figures: benchmarks/README.md.
 */
import { setFlagsFromString } from 'node:v8';

/**
 * Most of what a recorder runs is not worth optimizing, and what is, not with all that it calls: a fifth of its CPU time
 * went into that. Nor is it worth waking threads for a megabyte of new objects.
 */
const RECORDER = [
  '--interrupt-budget=1000000',
  '--max-inlined-bytecode-size-cumulative=200',
  '--no-parallel-scavenge',
  '--no-minor-gc-task',
];

const FLAGS = {
  agent: RECORDER,
  record: [
    ...RECORDER,
    // What is old is needed until the end, as a rule: nothing of it is marked ahead.
    '--no-incremental-marking',
    // Start-up lets the space of new objects grow once, to 4 MB: a quarter of the collections (see holdNewSpace).
    '--semi-space-growth-factor=4',
  ],
  // To compile what runs for half a second with all that it calls takes a quarter of the time, and to compile it as soon
  // as V8 would another twentieth.
  symbolize: ['--interrupt-budget=264000', '--max-inlined-bytecode-size-cumulative=100'],
};

/** Before what the command is about is imported. */
export function tuneV8(command: keyof typeof FLAGS): void {
  for (const flag of FLAGS[command]) setFlagsFromString(flag);
}

/**
 * V8 gives new objects up to 48 MB when many are made; ours die at once. Read whenever that space would grow, so that
 * it stays as it is: 30 MB less under a load of short processes, for the same CPU time (benchmarks/README.md).
 */
export function holdNewSpace(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
