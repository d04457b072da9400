/** Which series a sample belongs to: that of its process. */
import { commOf, type Labeller } from '../aggregate/labels.ts';
import { field64, Word } from '../capture/samples.ts';
import { parseCgroup } from '../identity/cgroup.ts';
import { CgroupPaths } from '../identity/cgroup-paths.ts';
import { compileLabels, type LabelOptions } from '../identity/labels.ts';
import type { Workload } from '../identity/pods.ts';
import { type Identity, readIdentity } from '../identity/process.ts';
import { compileTargets, type Matcher, type Targets } from '../identity/targets.ts';
import type { Label } from '../model/profile.ts';
import type { Image } from '../process/table.ts';

export interface ProcessesOptions {
  readonly targets: Targets;
  readonly labels: LabelOptions;
  /** What else is known of a process; asked again until it is known. */
  readonly workloadOf: (identity: Identity) => Workload | undefined;
}

type LabelSet = Readonly<Record<string, string>>;

interface Known {
  /** undefined: not profiled. */
  readonly labels: LabelSet | undefined;
  /** The number of the window in which it is looked at again: a process may move to another cgroup. */
  readonly until: number;
  usedIn: number;
}

/** In windows: for processes of which everything is known, and for others. */
const LOOK_AGAIN = { complete: 20, incomplete: 1 };

/** The processes of one recording, as far as they were sampled lately. */
export class Processes {
  readonly #options: ProcessesOptions;
  readonly #matches: Matcher;
  readonly #labelsOf: ReturnType<typeof compileLabels>;
  readonly #cgroups = new CgroupPaths();
  /** By image. */
  readonly #known = new Map<number, Known>();
  #window = 0;

  constructor(options: ProcessesOptions) {
    this.#options = options;
    this.#matches = compileTargets(options.targets);
    this.#labelsOf = compileLabels(options.labels);
  }

  /** Whether a sample of a process is wanted. */
  accepts(image: Image, words: Uint32Array, at: number): boolean {
    let known = this.#known.get(image.id);
    if (known === undefined || known.until <= this.#window) {
      known = this.#look(image, words, at);
      this.#known.set(image.id, known);
    }
    known.usedIn = this.#window;
    return known.labels !== undefined;
  }

  /** Of an image that was accepted. */
  labels(image: number): LabelSet {
    return this.#known.get(image)?.labels ?? {};
  }

  /** Forgets the processes that had no sample in the window that has ended. */
  nextWindow(): void {
    for (const [image, { usedIn }] of this.#known) if (usedIn < this.#window) this.#known.delete(image);
    this.#window++;
  }

  #look(image: Image, words: Uint32Array, at: number): Known {
    const identity = readIdentity(image.pid) ?? this.#identityOfGone(image, words, at);
    const workload = this.#options.workloadOf(identity);
    const isComplete = identity.podUid === undefined || workload !== undefined;
    const until = this.#window + LOOK_AGAIN[isComplete ? 'complete' : 'incomplete'];
    const labels = this.#matches(identity, workload) ? this.#labelsOf(identity, workload) : undefined;
    return { labels, until, usedIn: this.#window };
  }

  /** What the sample and the mappings tell: the program is what is mapped lowest. */
  #identityOfGone({ pid, mappings }: Image, words: Uint32Array, at: number): Identity {
    const cgroup = this.#cgroups.of(field64(words, at + Word.cgroup));
    const { path, ...described } = parseCgroup(`0::${cgroup ?? '/'}\n`);
    const exe = mappings?.find(mapping => mapping.path.startsWith('/'))?.path ?? '';
    return {
      pid,
      comm: commOf(words, at),
      exe: exe.replace(/ \(deleted\)$/, ''),
      cgroup: path,
      ...described,
      kernelThread: false,
      serviceFromEnv: undefined,
    };
  }
}

/** The series of one window. What comes when there are `limit` of them goes into one series, `other`. */
export class SeriesLabels implements Labeller {
  readonly sets: Label[][] = [];
  readonly #processes: Processes;
  readonly #limit: number;
  readonly #other: LabelSet;
  readonly #index = new Map<string, number>();

  /** `common`: the labels of every series. */
  constructor(processes: Processes, limit: number, common: LabelSet) {
    this.#processes = processes;
    this.#limit = limit;
    this.#other = { ...common, service_name: 'other' };
  }

  /** Threads and CPUs are not told apart. */
  mask(words: Uint32Array, at: number): void {
    words[at + Word.tid] = 0;
    words[at + Word.cpu] = 0;
    words.fill(0, at + Word.comm, at + Word.frames);
  }

  of(_words: Uint32Array, _at: number, image: { readonly id: number }): number {
    const labels = this.#processes.labels(image.id);
    const known = this.#index.get(JSON.stringify(labels));
    if (known !== undefined) return known;
    return this.#intern(this.sets.length < this.#limit ? labels : this.#other);
  }

  #intern(labels: LabelSet): number {
    const text = JSON.stringify(labels);
    let index = this.#index.get(text);
    if (index === undefined) {
      index = this.sets.push(Object.entries(labels).map(([key, value]) => ({ key, value }))) - 1;
      this.#index.set(text, index);
    }
    return index;
  }
}
