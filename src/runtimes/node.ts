/**
 * Node.js: V8 writes a perf map when it is told to at its start (V8 flags, `node --v8-options`). Those that NODE_OPTIONS
 * may hold reach every Node.js below a command.
 */
import type { Runtime } from './runtime.ts';

/**
 * The functions of JavaScript alone: V8's own are in the symbols of the program. With the second flag each function has
 * a copy of the code that enters the interpreter, so that the frames of interpreted functions have names as well.
 * (`--perf-basic-prof-path`, of Node.js 22 and newer, is not allowed in NODE_OPTIONS: the map is in /tmp.)
 */
const FLAGS = ['--perf-basic-prof-only-functions', '--interpreted-frames-native-stack'];

export const node: Runtime = {
  name: 'node',
  environment(command, { NODE_OPTIONS: before = '' }) {
    if ([...command, ...before.split(' ')].some(text => /^--perf-(?:basic-)?prof/.test(text))) return undefined;
    return { NODE_OPTIONS: [before, ...FLAGS].filter(Boolean).join(' ') };
  },
  advice({ image }) {
    if (!image.mappings?.some(({ path }) => /\/node(?:js)?$/.test(path))) return undefined;
    return `JavaScript has no names: start Node.js with NODE_OPTIONS=${FLAGS[0]}, or by \`profiler record -- node …\`.`;
  },
  leftovers: pid => ({
    temporary: `perf-${pid}.map`,
    // Of Node.js 24: events of V8's heap, which nobody asked for.
    working: new RegExp(`^isolate-0x[0-9a-f]+-${pid}-v8\\.log$`),
  }),
};
