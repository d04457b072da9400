/** `.cpuprofile`: what `node --cpu-prof`, the inspector and Chrome DevTools save; see v8-profile.ts. */
import type { Profile } from '../model/profile.ts';
import { ProfileBuilder, SAMPLES } from './builder.ts';
import { DecodeError } from './error.ts';
import type { Chunks } from './input.ts';
import { beginsJson, listOf, numberOf, objectOf, readJson } from './json.ts';
import { headText, type Reader } from './reader.ts';
import { V8_CLOCK, V8_TYPES, V8Profile } from './v8-profile.ts';

function detect(head: Uint8Array): boolean {
  const text = headText(head);
  return (
    beginsJson(text) && /"nodes"\s*:/.test(text) && /"callFrame"\s*:/.test(text) && !text.includes('"traceEvents"')
  );
}

async function read(chunks: Chunks): Promise<Profile> {
  const json = objectOf(await readJson(chunks));
  const [startTime, endTime] = [numberOf(json.startTime), numberOf(json.endTime, Number.NaN)];
  const builder = new ProfileBuilder(V8_TYPES.length);
  const labels = builder.labels([]);
  const nodes = listOf(json.nodes);
  const v8 = new V8Profile(builder, startTime);
  v8.endTime = endTime;
  v8.addNodes(nodes);
  v8.addSamples(listOf(json.samples), listOf(json.timeDeltas));
  const sampleTypes = v8.hasSamples ? V8_TYPES : [SAMPLES];
  if (v8.hasSamples) v8.count(labels);
  else v8.countHits(nodes, labels);
  if (nodes.length === 0) throw new DecodeError('it holds no nodes.');
  const duration = Number.isNaN(endTime) ? {} : { durationMs: Math.max(0, (endTime - startTime) / 1e3) };
  return builder.build({ sampleTypes, periodType: sampleTypes.at(-1)!, clock: V8_CLOCK, ...duration }, startTime / 1e3);
}

export const cpuprofile: Reader = {
  name: '.cpuprofile',
  description: '.cpuprofile of V8',
  detect,
  read,
};
