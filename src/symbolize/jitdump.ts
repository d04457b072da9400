/** Names and lines of generated code from the jitdump of its process. */

import { Jitdump, type JitLine, jitdumpOrder } from '../jit/jitdump.ts';
import { type JitName, pathOfUrl } from './jit-names.ts';
import { jitSource } from './jit-source.ts';

/**
 * V8 tells where lines will be in the ELF files that `perf inject` makes of the code: behind a header
 * (src/diagnostics/perf-jit.cc, kElfHeaderSize).
 */
const V8_BIAS = 0x40;

export const jitdumps = jitSource({
  name: 'jitdump',
  file: jit => jit.jitdump(),
  // Of the other byte order there is none on this machine that runs here.
  isReadable: bytes => jitdumpOrder(bytes) === 'native',
  parser: limit => new Jitdump(limit),
  functions: (dump, bytes) => ({
    nameOf: found => dump.nameOf(bytes, found),
    lineAt: (found, address, name) => ownLine(dump.lineAt(bytes, found, address, name.isV8 ? V8_BIAS : 0), name),
  }),
});

/**
 * A line of another file is one of a function that was inlined, whose name the format does not tell; or the file's name
 * is not the one that V8 meant to write.
 */
function ownLine(found: JitLine | undefined, name: JitName): JitLine | undefined {
  if (found === undefined) return undefined;
  const filename = pathOfUrl(found.filename);
  return name.filename === '' || name.filename === filename ? { filename, line: found.line } : undefined;
}
