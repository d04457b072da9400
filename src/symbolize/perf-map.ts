/** Names of generated code from the perf map of its process. */

import { nameAt, PerfMap } from '../jit/perf-map.ts';
import { jitSource } from './jit-source.ts';

export const perfMaps = jitSource({
  name: 'perf map',
  file: jit => jit.perfMap(),
  isReadable: () => true,
  parser: limit => new PerfMap(limit),
  functions: (_, bytes) => ({ nameOf: offset => nameAt(bytes, offset) }),
});
