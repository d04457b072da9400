/** `npm run bench [-- NAME…]`: runs the named benchmarks, or all of them, one after the other. */
import { spawnSync } from 'node:child_process';
import { packageRoot } from '../src/package.ts';

const all = [
  'truth',
  'aggregate',
  'symbolize',
  'symbolize-command',
  'perf-map',
  'dwarf',
  'dwarf-truth',
  'pprof',
  'decode',
  'read',
  'diff',
  'gate',
  'flamegraph',
  'viewer',
  'go',
  'kernel-names',
  'eh-frame',
  'unwind-tables',
  'unwind',
  'record',
  'unprivileged',
  'overhead',
];
const names = process.argv.length > 2 ? process.argv.slice(2) : all;
for (const name of names) {
  if (!all.includes(name)) {
    console.error(`no benchmark "${name}"; there are ${all.join(', ')}`);
    process.exit(2);
  }
  console.log(`\n== ${name}`);
  const { status } = spawnSync(process.execPath, [`${packageRoot}dist/benchmarks/${name}.js`], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
