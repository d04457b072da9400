import { expect, test } from 'vitest';
import { FlameKind } from '../../flamegraph/index.ts';
import { CLASS_LABELS, classOf } from '../../flamegraph/language.ts';

test.each([
  ['jit', 'src/server.js:40', 'JavaScript'],
  ['interpreted', 'app/main.mts:1:20', 'JavaScript'],
  ['native', 'node:internal/timers:5', 'JavaScript'],
  ['native', `${'x'.repeat(1000)}/view.tsx`, 'JavaScript'],
  ['jit', 'lib/json/decoder.py:12', 'Python'],
  ['native', 'runtime/proc.go:250', 'Go'],
  ['native', 'main.cc:12', 'native'],
  ['native', 'libgo', 'native'],
  ['jit', '', 'JIT'],
  // What this says of the code matters more than its language.
  ['inlined', 'runtime/proc.go:250', 'inlined'],
  ['kernel', 'x.py', 'kernel'],
  ['unknown', 'x.js', 'unknown'],
] as const)('%s code of %s is %s', (kind, source, label) => {
  expect(CLASS_LABELS[classOf(FlameKind[kind], source)]).toBe(label);
});
