/** A process that spools until it is killed: `node spool-child.js FOLDER FIRST`. Says which puts have resolved. */
import { writeSync } from 'node:fs';
import { numbers, open, uploadOf } from './support.ts';

async function run(dir: string, first: number): Promise<void> {
  const spool = await open(dir, { maxBytes: 1 << 30, sinks: ['a', 'b'] });
  for (let number = first; ; number += 5) {
    await Promise.all(
      numbers(5, number).map(async i => {
        await spool.put(uploadOf(i, undefined, 100 + ((i * 7919) % 20_000)));
        writeSync(1, `${i}\n`);
      }),
    );
  }
}

const [dir, first] = process.argv.slice(2);
if (process.argv[1]?.endsWith('spool-child.js')) await run(dir!, Number(first));
