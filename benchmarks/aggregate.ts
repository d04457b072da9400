/**
 * Counting samples: records of 40 frames on 20,000 distinct stacks, through the aggregator as in a recording.
 * `node dist/benchmarks/aggregate.js [rounds]`
 */
import { Aggregator } from '../src/aggregate/aggregator.ts';
import { ThreadLabels } from '../src/aggregate/labels.ts';
import { Sample, sizeOf } from '../src/capture/records.gen.ts';
import { Word } from '../src/capture/samples.ts';
import { median } from './support.ts';

const SAMPLES = 300_000;
const STACKS = 20_000;
const FRAMES = 40;
const WORDS = sizeOf.Sample / 4 + 2 * FRAMES;
/** What one drain delivers. */
const BATCH = 5000;

/** The records of a batch, end to end, on stacks that share their outer frames as real ones do. */
function records(batch: number): Uint32Array {
  const words = new Uint32Array(BATCH * WORDS);
  const bytes = new Uint8Array(words.buffer);
  for (let i = 0; i < BATCH; i++) {
    const at = i * WORDS;
    const stack = Math.imul(batch * BATCH + i, 0x9e3779b1) >>> 0;
    words[at + Word.weight] = 1_001_001;
    words[at + Word.pid] = 1000;
    words[at + Word.tid] = 1000;
    bytes[at * 4 + Sample.user_frames] = FRAMES;
    bytes.set([100, 101, 101, 112], at * 4 + Sample.comm);
    for (let frame = 0; frame < FRAMES; frame++) {
      const path = frame < 20 ? ((stack % STACKS) >> frame) & 1 : 0;
      words[at + Word.frames + 2 * frame] = 0x400000 + frame * 4096 + path * 2048;
      words[at + Word.frames + 2 * frame + 1] = 0x5555;
    }
  }
  return words;
}

function run(batches: readonly Uint32Array[]): { rate: number; stacks: number } {
  const aggregator = new Aggregator(new ThreadLabels({ byThread: false, byCpu: false }));
  const resolver = { kernel: (low: number) => low & 0xffff, user: (low: number) => (low >>> 11) & 0xffff };
  const image = { id: 1, pid: 1000 };
  // The aggregator writes into the records, as it may.
  const copies = batches.map(batch => batch.slice());
  const start = performance.now();
  for (const words of copies) {
    for (let at = 0; at < words.length; at += WORDS) aggregator.add(words, at, image, resolver);
  }
  return { rate: SAMPLES / (performance.now() - start) / 1000, stacks: aggregator.counter.length };
}

const rounds = Number(process.argv[2] ?? 9);
const batches = Array.from({ length: SAMPLES / BATCH }, (_, batch) => records(batch));
const results = Array.from({ length: rounds }, () => run(batches));
console.log(
  `${SAMPLES.toLocaleString('en')} samples of ${FRAMES} frames on ${results[0]!.stacks.toLocaleString('en')} distinct stacks: ` +
    `${median(results.map(result => result.rate)).toFixed(2)} million samples a second (median of ${rounds})`,
);
