/** What `profiler record` is told on the command line, and how its values are read. */
import { InvalidArgumentError } from 'commander';
import type { Rung, UnwindMode } from '../capture/options.ts';

/** The command line as commander hands it over. */
export interface RecordFlags {
  readonly pid: readonly number[];
  readonly tid: readonly number[];
  readonly all: boolean;
  readonly cgroup?: string;
  readonly comm?: string;
  readonly inherit: boolean;
  readonly frequency: number;
  readonly duration?: number;
  readonly event?: string;
  readonly user: boolean;
  readonly kernel: boolean;
  readonly output: readonly string[];
  readonly format?: string;
  readonly annotate: boolean;
  readonly labels: readonly string[];
  readonly shortNames: boolean;
  readonly inlines: boolean;
  readonly lines: boolean;
  readonly debugDir: readonly string[];
  readonly unwind: UnwindMode;
  readonly unwindMemory: number;
  readonly nodeFlags: boolean;
  readonly jvmPerfmap: boolean;
  readonly capture: Rung | 'auto';
  readonly title?: string;
  readonly quiet: boolean;
}

export function ids(value: string, previous: readonly number[]): readonly number[] {
  return [
    ...previous,
    ...value.split(',').map(text => {
      const id = Number(text);
      if (!/^\d+$/.test(text) || id < 1 || id > 2 ** 22)
        throw new InvalidArgumentError('It is no process or thread id.');
      return id;
    }),
  ];
}

function positive(value: string): number {
  const number = Number(value);
  if (!(number > 0) || !Number.isFinite(number)) throw new InvalidArgumentError('It has to be a number above 0.');
  return number;
}

/** Timers hold 2^31 ms. */
const MAX_SECONDS = 2_147_483;

export function seconds(value: string): number {
  const number = positive(value);
  if (number > MAX_SECONDS) throw new InvalidArgumentError(`It has to be at most ${MAX_SECONDS} seconds.`);
  return number;
}

export function hertz(value: string): number {
  const number = positive(value);
  if (!Number.isInteger(number)) throw new InvalidArgumentError('It has to be a whole number of samples a second.');
  return number;
}

const LABELS = ['pid', 'tid', 'comm', 'cpu'];

export function labels(value: string): readonly string[] {
  const names = value.split(',');
  const unknown = names.find(name => !LABELS.includes(name));
  if (unknown !== undefined) throw new InvalidArgumentError(`Known labels are ${LABELS.join(', ')}.`);
  return names;
}

export function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

const UNITS: Readonly<Record<string, number>> = { '': 2 ** 20, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/** `64`, `64M`, `64MB`, `1G`: bytes; megabytes where no unit is given. */
export function size(value: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([KMG]?)(?:i?B)?$/i.exec(value) ?? [];
  if (number === '') throw new InvalidArgumentError('It has to be a size, such as 64M.');
  return Math.floor(Number(number) * UNITS[unit.toUpperCase()]!);
}
