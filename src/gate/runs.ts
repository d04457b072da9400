/**
 * What `profiler ci run` leaves for the gate: a folder with a profile for each run (`base-1.pb.gz` … `head-5.pb.gz`) and
 * this description of them, `runs.json`.
 */
import { z } from 'zod';

export const RUNS_FILE = 'runs.json';

const run = z.object({
  side: z.enum(['base', 'head']),
  /** From 1 on, of its side; warm-ups have none. */
  index: z.int().min(1),
  /** Name of the file beside this one, without folder: `head-1.pb.gz`. */
  profile: z.string().regex(/^(?!\.{1,2}$)[^/\\]{1,255}$/, 'a name of a file in the same folder'),
  /** What the command exited with; 128 and the number of the signal that ended it. */
  status: z.int().min(0),
  /** Milliseconds that the command took. */
  wallMs: z.number().min(0),
  /** Milliseconds of CPU time that it and its children took, user and system. */
  cpuMs: z.number().min(0),
  /** What a unit of work costs, so less is better: wall or CPU milliseconds, or the number that it printed; null without one. */
  metric: z.number().nullable(),
  /** What the metric is, with its unit: `wall ms`, `cpu ms`, `ns/op`. */
  metricName: z.string(),
  /** How it was sampled: `bpf`, `perf`, `perf-user` (see capture/ladder.ts). */
  rung: z.string(),
});

export const runsFile = z.object({
  version: z.literal(1),
  /** Of all runs, as `profiler record --event` names it: `cpu`. */
  event: z.string(),
  /** Samples a second and CPU. */
  hz: z.number().positive(),
  runs: z.array(run).max(1000),
});

export type GateRun = z.output<typeof run>;
export type RunsFile = z.output<typeof runsFile>;
