/** What runtimes call their functions in perf maps and jitdumps, taken apart. */

import { FrameKind } from '../model/profile.ts';

export interface JitName {
  /** The same for the same function, whichever tier has compiled it. */
  readonly systemName: string;
  readonly name: string;
  /** '' when unknown. */
  readonly filename: string;
  /** Where the function begins, from 1; 0 when unknown. */
  readonly line: number;
  readonly kind: FrameKind;
  /** Whether V8 has written it. */
  readonly isV8: boolean;
}

/**
 * V8 (src/logging/log.cc, CodeEventLogger): the kind of code, a mark of the tier, the function's name, and where it
 * begins. `'` stands behind the mark of code that is for one closure only (src/objects/code-kind.cc).
 */
const V8 = /^(?:JS|LazyCompile|Function|Eval|Script|Callback):([~^+*-]?)'? ?(.*)$/s;
const V8_PLACE = /^(.*?) ?([^ ]*):(\d+):\d+$/s;
/** V8's interpreter. Its baseline and its optimizing compilers make machine code. */
const INTERPRETED = '~';

/** CPython (Python/perf_trampoline.c): `py::QUALIFIED NAME:FILE`. The trampoline calls the interpreter. */
const PYTHON = /^py::(.*?):([^:]*)$/s;

export function parseJitName(text: string): JitName {
  const v8 = V8.exec(text);
  if (v8) return v8Name(v8[1] ?? '', v8[2] ?? '');
  const [, name, filename] = PYTHON.exec(text) ?? [];
  if (name !== undefined && filename !== undefined) {
    return { systemName: text, name, filename, line: 0, kind: FrameKind.interpreted, isV8: false };
  }
  // HotSpot runs all of its interpreter under this name.
  const kind = text === 'Interpreter' ? FrameKind.interpreted : FrameKind.jit;
  return { systemName: text, name: text, filename: '', line: 0, kind, isV8: false };
}

function v8Name(mark: string, rest: string): JitName {
  const kind = mark === INTERPRETED ? FrameKind.interpreted : FrameKind.jit;
  const [, name = rest, url = '', line = '0'] = V8_PLACE.exec(rest) ?? [];
  const known = { systemName: rest || '(anonymous)', name: name || '(anonymous)', kind, isV8: true };
  return { ...known, filename: pathOfUrl(url), line: Number(line) };
}

/** The path of a `file:` URL; any other text as it is. */
export function pathOfUrl(url: string): string {
  if (!url.startsWith('file:///')) return url;
  try {
    return decodeURIComponent(url.slice('file://'.length));
  } catch {
    return url;
  }
}
