/**
 * What V8 is told about compiling and collecting garbage. Set at run time: on the command line of Node.js, flags cost it the code that it
 * brings along compiled. Figures: benchmarks/README.md.
 */
import { setFlagsFromString } from 'node:v8';

const FLAGS = {
  // Most of what a recording runs is not worth optimizing, and what is, not with all that it calls: a fifth of its CPU
  // time went into that.
  record: [
    '--interrupt-budget=1000000',
    '--max-inlined-bytecode-size-cumulative=200',
    // To wake threads for a megabyte of new objects, and to mark the old ones meanwhile, took another tenth.
    '--no-parallel-scavenge',
    '--no-minor-gc-task',
    '--no-incremental-marking',
    // Start-up lets the space of new objects grow once, to 4 MB: a quarter of the collections (see holdNewSpace).
    '--semi-space-growth-factor=4',
  ],
  // To compile what runs for half a second with all that it calls takes a quarter of the time, and to compile it as soon
  // as V8 would another twentieth.
  symbolize: ['--interrupt-budget=264000', '--max-inlined-bytecode-size-cumulative=100'],
};

/** For a process that does one thing and ends. Before what it is about is imported. */
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
