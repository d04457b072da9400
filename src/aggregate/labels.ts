/** Which label set a sample belongs to. */
import { Word } from '../capture/samples.ts';
import type { Label } from '../model/profile.ts';

/** A process image, as far as labels need to know it. */
export interface Labelled {
  readonly id: number;
  readonly pid: number;
}

export interface Labeller {
  /** Makes equal, in the words of a sample, what is not to tell samples apart. Doing it twice changes nothing. */
  mask(words: Uint32Array, at: number): void;
  /** The number of the label set of a masked sample. Asked once for each new stack. */
  of(words: Uint32Array, at: number, image: Labelled): number;
  /** The label sets by number. */
  readonly sets: readonly (readonly Label[])[];
}

export interface ThreadLabelsOptions {
  /** Keep samples of different threads or CPUs apart, for the labels `tid` and `cpu`. */
  readonly byThread: boolean;
  readonly byCpu: boolean;
}

const NO_CPU = 0xffffffff;
const COMM_WORDS = Word.frames - Word.comm;
const decoder = new TextDecoder();

/** `comm` and `pid`, and what the options ask for besides. */
export class ThreadLabels implements Labeller {
  readonly sets: Label[][] = [];
  readonly #options: ThreadLabelsOptions;
  readonly #index = new Map<string, number>();

  constructor(options: ThreadLabelsOptions) {
    this.#options = options;
  }

  mask(words: Uint32Array, at: number): void {
    if (!this.#options.byThread) words[at + Word.tid] = 0;
    if (!this.#options.byCpu) words[at + Word.cpu] = NO_CPU;
  }

  of(words: Uint32Array, at: number, { pid }: Labelled): number {
    const comm = commOf(words, at);
    const tid = words[at + Word.tid]!;
    const cpu = words[at + Word.cpu]!;
    const id = `${pid} ${tid} ${cpu} ${comm}`;
    let index = this.#index.get(id);
    if (index === undefined) {
      const set: Label[] = [
        { key: 'comm', value: comm },
        { key: 'pid', value: pid },
      ];
      if (tid > 0) set.push({ key: 'tid', value: tid });
      if (cpu !== NO_CPU) set.push({ key: 'cpu', value: String(cpu) }); // pprof cannot tell the number 0 from none
      index = this.sets.push(set) - 1;
      this.#index.set(id, index);
    }
    return index;
  }
}

/** The name of a sample's thread. */
export function commOf(words: Uint32Array, at: number): string {
  const bytes = new Uint8Array(words.buffer, words.byteOffset + (at + Word.comm) * 4, COMM_WORDS * 4);
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}
