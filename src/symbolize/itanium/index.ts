/**
 * Readable names of C++ symbols (Itanium C++ ABI, 5.1, https://itanium-cxx-abi.github.io/cxx-abi/abi.html#mangling),
 * as gcc and clang make them.
 */
import { readEncoding } from './names.ts';
import { Parser, type Style } from './parser.ts';
import { failure } from './values.ts';

export type { Style } from './parser.ts';
export { outOfProportion } from './values.ts';

/** gcc's and LLVM's pieces and copies of a function: `.part.0`, `.isra.3.cold`, `.llvm.123`. */
const clones = /\.[A-Za-z_]+(?:\.\d+)*|\.\d+/g;

/**
 * The readable name of `_Z…`; undefined when it is none.
 * @throws outOfProportion
 */
export function demangleItanium(name: string, style: Style): string | undefined {
  if (!name.startsWith('_Z')) return undefined;
  try {
    const parser = new Parser(name, style);
    parser.at = 2;
    const text = readEncoding(parser);
    const suffix = name.slice(parser.at);
    if (suffix !== '' && suffix[0] !== '.') return undefined;
    return text + cloneText(suffix, style);
  } catch (error) {
    if (error === failure) return undefined;
    throw error;
  }
}

function cloneText(suffix: string, { llvm }: Style): string {
  if (suffix === '') return '';
  return llvm ? ` (${suffix})` : suffix.replaceAll(clones, ' [clone $&]');
}
