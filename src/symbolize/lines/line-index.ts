/**
 * The lines of addresses that were asked for: those of earlier runs from disk, and those of this one, which are kept for
 * later. An answer holds for an interval of addresses.
 */
import type { DiskCache } from '../../cache/disk-cache.ts';
import { ElfError } from '../../elf/bytes.ts';
import { FileBytes } from '../../process/files.ts';
import type { LineSink } from '../source.ts';
import { type AnswerColumns, encodeAnswers, StoredAnswers } from './format.ts';
import { type Answers, appended, columnsOf, inOrder, nothing } from './merge.ts';
import { Words } from './words.ts';

/** Frames of this run, 12 bytes each. What is asked beyond is answered and not kept. */
const maxFrames = 2 ** 20;
const maxUnknown = 2 ** 17;
/** Of a file, some 20 bytes each: an index that would grow beyond begins anew. */
const maxStoredFrames = 2 ** 23;

/** Texts by number, each once, counted from a first number on. */
class Texts {
  readonly added: string[] = [];
  readonly #first: number;
  readonly #numbers = new Map<string, number>();

  constructor(first: number) {
    this.#first = first;
  }

  numberOf(text: string): number {
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.#first + this.added.push(text) - 1;
      this.#numbers.set(text, number);
    }
    return number;
  }

  get(number: number): string {
    return this.added[number - this.#first] ?? '';
  }
}

export class LineIndex {
  readonly #key: string;
  readonly #disk: DiskCache | undefined;
  readonly #file: FileBytes | undefined;
  #stored: StoredAnswers | undefined;
  /** How many of each the file has; these numbers stay taken. */
  readonly #storedNames: number;
  readonly #storedFiles: number;
  readonly #storedAnswers: number;
  readonly #names: Texts;
  readonly #files: Texts;
  readonly #paths: (string | undefined)[] = [];
  #base: number | undefined;
  /** Of this run, in the order in which they came. Frames of answer i end where those of the next one begin. */
  readonly #starts = new Words();
  readonly #ends = new Words();
  readonly #firstFrame = new Words();
  readonly #name = new Words();
  readonly #fileOf = new Words();
  readonly #line = new Words();
  readonly #byStart = new Map<number, number>();
  /** Of this run: nothing is known of them. Some may be here several times. */
  readonly #unknown: number[] = [];
  /** The last answer is not kept, and makes room for the next. */
  #isScratch = false;
  #saved = 0;

  /** `disk`: where the answers of other runs are; those of this run alone are known without it. */
  constructor(key: string, disk: DiskCache | undefined) {
    this.#key = key;
    this.#disk = disk;
    const opened = disk?.open(key);
    this.#file = opened && new FileBytes(opened.fd, opened.size);
    this.#stored = this.#file && StoredAnswers.open(key, this.#file);
    this.#storedAnswers = this.#stored?.length ?? 0;
    this.#storedNames = this.#stored?.names ?? 0;
    this.#storedFiles = this.#stored?.files ?? 0;
    this.#base = this.#stored?.base;
    this.#names = new Texts(this.#storedNames);
    this.#files = new Texts(this.#storedFiles);
    if (this.#stored === undefined) this.#file?.close();
  }

  /** Gives the file back, whose answers are not known any more. What this run has found stays. */
  close(): void {
    if (this.#stored !== undefined) this.#file?.close();
    this.#stored = undefined;
  }

  /** Whether an earlier run has left answers. */
  get hasStored(): boolean {
    return this.#stored !== undefined;
  }

  /** How many names there are so far; symbols are their numbers. */
  get length(): number {
    return this.#storedNames + this.#names.added.length;
  }

  /** How many answers of this run could be kept and are not yet. */
  get unsaved(): number {
    return this.#disk === undefined ? 0 : this.#byStart.size + this.#unknown.length - this.#saved;
  }

  /** How many answers there are on disk. */
  get saved(): number {
    return this.#storedAnswers + this.#saved;
  }

  symbolOf(name: string): number {
    return this.#names.numberOf(name);
  }

  nameOf(symbol: number): string {
    if (symbol >= this.#storedNames) return this.#names.get(symbol);
    return this.#read(stored => stored.nameText(symbol)) ?? '';
  }

  /** The answer of an address that an earlier run has left, −1 when it has none. */
  find(address: number): number {
    if (this.#stored === undefined) return -1;
    const distance = address - this.#stored.base;
    if (!(distance >= 0 && distance < 2 ** 32)) return -1;
    return this.#read(stored => stored.find(distance)) ?? -1;
  }

  /** The answer of this run that begins at `start` and holds at `distance`, −1 when there is none. */
  known(start: number, distance: number): number {
    const answer = this.#byStart.get(start) ?? -1;
    return answer >= 0 && distance < this.#ends.at(answer - this.#storedAnswers) ? answer : -1;
  }

  /**
   * Begins an answer for the addresses from `start` on, up to `end`, as distances from `base`; add() gives its frames.
   * Returns its number. `isKept`: later questions may have it too.
   */
  begin(base: number, start: number, end: number, isKept: boolean): number {
    if (this.#base !== base) this.#rebase(base);
    if (this.#isScratch) this.#removeLast();
    this.#isScratch = !isKept || this.#name.length >= maxFrames;
    this.#starts.push(start);
    this.#ends.push(end);
    this.#firstFrame.push(this.#name.length);
    const answer = this.#storedAnswers + this.#starts.length - 1;
    if (!this.#isScratch) this.#byStart.set(start, answer);
    return answer;
  }

  add(symbol: number, file: string, line: number): void {
    this.#name.push(symbol);
    this.#fileOf.push(this.#files.numberOf(file));
    this.#line.push(line);
  }

  /** Whether an answer holds only until the next one. */
  isPassing(answer: number): boolean {
    return this.#isScratch && answer === this.#storedAnswers + this.#starts.length - 1;
  }

  /** An address of which nothing is known. */
  addUnknown(address: number): void {
    if (this.#disk !== undefined && this.#unknown.length < maxUnknown) this.#unknown.push(address);
  }

  /** The function that the code of an answer lies in, −1 for an answer without frames. */
  functionOf(answer: number): number {
    if (answer < this.#storedAnswers) {
      return (
        this.#read(stored => (this.#isEmpty(stored, answer) ? -1 : stored.name(stored.firstFrame(answer + 1) - 1))) ??
        -1
      );
    }
    const [first, end] = this.#framesOf(answer - this.#storedAnswers);
    return end > first ? this.#name.at(end - 1) : -1;
  }

  #isEmpty(stored: StoredAnswers, answer: number): boolean {
    return stored.firstFrame(answer) >= stored.firstFrame(answer + 1);
  }

  /** Gives the frames of an answer to a sink. */
  frames(answer: number, sink: LineSink): void {
    if (answer < this.#storedAnswers) {
      this.#read(stored => this.#storedFrames(stored, answer, sink));
      return;
    }
    const [first, end] = this.#framesOf(answer - this.#storedAnswers);
    for (let i = first; i < end; i++) {
      this.#give(sink, i + 1 === end, this.#name.at(i), this.#fileOf.at(i), this.#line.at(i));
    }
  }

  #storedFrames(stored: StoredAnswers, answer: number, sink: LineSink): void {
    const end = stored.firstFrame(answer + 1);
    for (let i = stored.firstFrame(answer); i < end; i++) {
      this.#give(sink, i + 1 === end, stored.name(i), stored.file(i), stored.line(i));
    }
  }

  #give(sink: LineSink, isFunction: boolean, symbol: number, file: number, line: number): void {
    if (isFunction) sink.addFunction(symbol, this.#path(file), line);
    else sink.add(symbol, this.#path(file), line);
  }

  #path(file: number): string {
    this.#paths[file] ??=
      file >= this.#storedFiles ? this.#files.get(file) : (this.#read(stored => stored.fileText(file)) ?? '');
    return this.#paths[file];
  }

  /** Where a new answer's frames are; those of the last answer go on to the end. */
  #framesOf(answer: number): [number, number] {
    const end = answer + 1 < this.#firstFrame.length ? this.#firstFrame.at(answer + 1) : this.#name.length;
    return [this.#firstFrame.at(answer), end];
  }

  #removeLast(): void {
    const frames = this.#firstFrame.at(this.#firstFrame.length - 1);
    for (const column of [this.#starts, this.#ends, this.#firstFrame]) column.length--;
    for (const column of [this.#name, this.#fileOf, this.#line]) column.length = frames;
  }

  /** Another program than the file was written for, though the key is the same. */
  #rebase(base: number): void {
    this.#base = base;
    this.close();
  }

  /** What was on disk is not believed from now on when a part of it is damaged. */
  #read<T>(read: (stored: StoredAnswers) => T): T | undefined {
    if (this.#stored === undefined) return undefined;
    try {
      return read(this.#stored);
    } catch (error) {
      if (!(error instanceof ElfError)) throw error;
      this.close();
      return undefined;
    }
  }

  /** Writes all answers, those of the file and those of this run. Never throws. */
  save(): void {
    if (this.#disk === undefined || this.#base === undefined || this.#byStart.size === 0) return;
    const base = this.#base;
    this.#disk.write(this.#key, () => encodeAnswers(this.#key, this.#merged(base)));
    this.#saved = this.#byStart.size + this.#unknown.length;
  }

  #merged(base: number): AnswerColumns {
    const isTooMuch = (this.#stored?.frames ?? 0) + this.#name.length > maxStoredFrames;
    const old = (isTooMuch ? undefined : this.#read(stored => columnsOf(stored))) ?? nothing;
    // Numbers of names and files go on from those of the file.
    const names = [
      ...(old === nothing ? new Array<string>(this.#storedNames).fill('') : old.names),
      ...this.#names.added,
    ];
    const files = [
      ...(old === nothing ? new Array<string>(this.#storedFiles).fill('') : old.files),
      ...this.#files.added,
    ];
    return { base, ...inOrder(old, this.#fresh(base)), names, files };
  }

  /** The answers of this run, and behind them those without frames, of a single address each. */
  #fresh(base: number): Answers {
    if (this.#isScratch) this.#removeLast();
    this.#isScratch = false;
    const unknown = this.#unknown.map(address => address - base).filter(at => at >= 0 && at < 2 ** 32 - 1);
    const frames = this.#name.length;
    return {
      starts: appended(this.#starts.values, unknown),
      ends: appended(
        this.#ends.values,
        unknown.map(at => at + 1),
      ),
      firstFrame: appended(this.#firstFrame.values, [...unknown.map(() => frames), frames]),
      name: this.#name.values,
      file: this.#fileOf.values,
      line: this.#line.values,
    };
  }
}
