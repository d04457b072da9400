/** A process that stores profiles until it is killed: `node store-child.js DIR`; says the id of each that is stored. */
import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { profile } from '../support/profile.ts';
import { never, openStore, uploadOf } from './support.ts';

const sink = await openStore({ dir: process.argv[2]! });
const text = Array.from({ length: 500 }, (_, i) => `a;f${i} ${i + 1}`).join('\n');
const template = uploadOf({ profile: profile(text), service: 'child', startMs: 0 });
for (;;) {
  const id = randomUUID();
  await sink.send([{ ...template, id, startMs: Date.now() }], never);
  writeSync(1, `${id}\n`);
}
