/** Answers of two runs as one. */
import { orderByAddress } from '../../elf/sort.ts';
import type { AnswerColumns, StoredAnswers } from './format.ts';
import { Words } from './words.ts';

/** Answers without their texts. */
export type Answers = Omit<AnswerColumns, 'base' | 'names' | 'files'>;

const none = new Uint32Array(0);
export const nothing: Omit<AnswerColumns, 'base'> = {
  starts: none,
  ends: none,
  firstFrame: new Uint32Array(1),
  name: none,
  file: none,
  line: none,
  names: [],
  files: [],
};

export function columnsOf(stored: StoredAnswers): Omit<AnswerColumns, 'base'> {
  const words = (length: number, at: (i: number) => number) => Uint32Array.from({ length }, (_, i) => at(i));
  return {
    starts: words(stored.length, i => stored.start(i)),
    ends: words(stored.length, i => stored.end(i)),
    firstFrame: words(stored.length + 1, i => stored.firstFrame(i)),
    name: words(stored.frames, i => stored.name(i)),
    file: words(stored.frames, i => stored.file(i)),
    line: words(stored.frames, i => stored.line(i)),
    names: Array.from({ length: stored.names }, (_, i) => stored.nameText(i)),
    files: Array.from({ length: stored.files }, (_, i) => stored.fileText(i)),
  };
}

export function appended(column: Uint32Array, values: readonly number[]): Uint32Array {
  const both = new Uint32Array(column.length + values.length);
  both.set(column);
  both.set(values, column.length);
  return both;
}

/** Both by address, without overlaps: of two that begin together the first counts, and each ends where the next begins. */
export function inOrder(old: Answers, fresh: Answers): Answers {
  const both = [old, fresh];
  const all = new Float64Array(old.starts.length + fresh.starts.length);
  all.set(old.starts);
  all.set(fresh.starts, old.starts.length);
  const order = orderByAddress(all, all.length);
  const into = {
    starts: new Words(),
    ends: new Words(),
    firstFrame: new Words(),
    name: new Words(),
    file: new Words(),
    line: new Words(),
  };
  for (const index of order) {
    const from = both[index < old.starts.length ? 0 : 1]!;
    const i = index < old.starts.length ? index : index - old.starts.length;
    let start = from.starts[i]!;
    const end = from.ends[i]!;
    const last = into.starts.length - 1;
    if (last >= 0 && into.starts.at(last) === start) start = into.ends.at(last);
    if (start >= end) continue;
    if (last >= 0 && into.ends.at(last) > start) into.ends.set(last, start);
    into.starts.push(start);
    into.ends.push(end);
    into.firstFrame.push(into.name.length);
    for (let frame = from.firstFrame[i]!; frame < from.firstFrame[i + 1]!; frame++) {
      into.name.push(from.name[frame]!);
      into.file.push(from.file[frame]!);
      into.line.push(from.line[frame]!);
    }
  }
  into.firstFrame.push(into.name.length);
  const { values: firstFrame } = into.firstFrame;
  return {
    starts: into.starts.values,
    ends: into.ends.values,
    firstFrame,
    name: into.name.values,
    file: into.file.values,
    line: into.line.values,
  };
}
