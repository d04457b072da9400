/**
 * By which name and file a function is the same in two builds: without what compilers, linkers, bundlers and runtimes
 * make up anew each time (hashes, numbers of clones and lambdas, lines, versions). What is left still reads as a name.
 * Every step takes time in proportion to the name: whoever is profiled chooses it.
 */

export interface CanonicalFunction {
  readonly name: string;
  /** Source file or module without its folder, '' when neither is known. */
  readonly file: string;
}

/** UTF-16 units that count. V8 hashes strings above 16,383 by their length alone, and lookups become linear searches. */
const MAX_NAME = 16_000;

/** Words that gcc and LLVM append, with a number, to the names of functions which they split or specialized. */
const CLONES = new Set('cold part isra constprop lto_priv localalias llvm __uniq specialized'.split(' '));
/** Those that stand without a number too: others are names of methods in other languages. */
const UNNUMBERED = new Set(['cold', 'localalias']);
/** The same behind demangled names: `f(int) [clone .cold]` of GNU, `f(int) (.cold)` of LLVM. */
const DEMANGLED_CLONES = [
  [' [clone .', ']'],
  [' (.', ')'],
] as const;
const DIGITS = /^\d+$/;

/** Parts of readable names that are numbered or hashed by build, and what stands in their place. */
const REPLACEMENTS: readonly (readonly [RegExp, string])[] = [
  [/::h[0-9a-f]{16}$/, ''], // Rust, legacy
  [/\[[0-9a-f]{8,16}\]/g, ''], // Rust v0: crate[hash]::path
  [/#\d+\}/g, '}'], // {lambda(int)#2}, {closure#0}, {impl#3}
  [/'(lambda|unnamed)\d+'/g, "'$1'"], // LLVM's demangler
  [/\$_\d+/g, '$$_'], // clang's lambdas, before demangling gives them a name
  [/\$\$Lambda(?:[$/.](?:0x[0-9a-f]+|\d+))+/g, '$$$$Lambda'], // Java: Type$$Lambda$14/0x0000000800066840
  [/(lambda\$[^$\s;.(]+)\$\d+/g, '$1'], // Java: lambda$main$0
  // Go numbers closures and wrappers by function: main.run.func1.2, main.(*T).run.gowrap1; main.func1 is one of its own.
  [/(\.[^./]+\.(?:func|gowrap|deferwrap))\d{1,9}(?:\.(?:(?:func|gowrap|deferwrap)?\d{1,9}))*$/, '$1'],
];
/** What tells that one of them may apply: most names are spared the rest. */
const REPLACEABLE = /::h[0-9a-f]|[[#$]|'lambda|'unnamed|\.(?:func|gowrap|deferwrap)\d/;

/** V8's code in perf maps, with the tier that compiled it: `JS:*render /srv/app.js:12:34`. */
const V8_CODE = /^(?:JS|LazyCompile|Function|Script|Eval):(?!:)[*~^+]?/;
const LINES = /(?::\d+){1,2}$/;
/** A name that is nothing but a position: `app.js:12:34`. */
const POSITION = /^[^\s()]*\.[cm]?js(?::\d+){1,2}$/;
const ANONYMOUS = '(anonymous)';
const MINIFIED = '(minified)';
const UNNAMED = '[unnamed]';
const PLACEHOLDER = /^(?:\(anonymous\)|\(minified\)|\[unnamed\]|\[unknown)/;

const SCRIPT = /\.[cm]?js$/;
/** `main.3f2a9c1b.js`, `index-B8xK2_9a.js`; the hash has a digit. */
const HASHED_SCRIPT = /^(.+)[.-](?=[^.]{0,31}\d)(?:[0-9a-f]{8,32}|\w{8})((?:\.(?:chunk|bundle|min))*\.[cm]?js)$/;
const MINIFIED_SCRIPT = /\.min\.[cm]?js$/;
/** Names of this many characters were chosen by a minifier, and mean another function in every bundle. */
const MINIFIED_NAME = 2;

/** Addresses say nothing across builds. */
const UNKNOWN = /^\[unknown: (.*)\+0x[0-9a-f]+\]$/s;
const UNKNOWN_ADDRESS = /^\[unknown: 0x[0-9a-f]+\]$/;
const ADDRESS = /^0x[0-9a-f]+$/;

/**
 * @param name readable or linker's
 * @param file path or URL of the source file, else the path of the module, else ''
 */
export function canonicalFunction(name: string, file: string): CanonicalFunction {
  const text = name.slice(0, MAX_NAME);
  const path = file.slice(0, MAX_NAME);
  if (V8_CODE.test(text)) {
    const place = text.replace(V8_CODE, '').replace(LINES, '');
    const space = place.lastIndexOf(' ');
    if (space < 0 && isScript(place)) return script('', place);
    return space < 0 ? script(place, path) : script(place.slice(0, space), place.slice(space + 1));
  }
  if (isScript(path)) return script(POSITION.test(text) ? '' : text, path);
  if (text.startsWith('[unknown: ')) return { name: unknown(text), file: '' }; // the module is in the name
  return { name: ADDRESS.test(text) ? '[unknown]' : named(text), file: fileName(path) };
}

/** Whether a canonical name stands for any number of functions, so that it says nothing without its file. */
export function isPlaceholder(name: string): boolean {
  return PLACEHOLDER.test(name);
}

/** The file's name without folder, version and hash: `libfoo.so.1.2` and `libfoo-1.3.so` are `libfoo.so`. */
function fileName(path: string): string {
  if (path.startsWith('[kernel.kallsyms]')) return '[kernel.kallsyms]'; // …_stext, …_text
  return baseName(path)
    .replace(/\.so(?:\.\d+)+$/, '.so')
    .replace(/-\d+(?:\.\d+)+\.so$/, '.so')
    .replace(/-[0-9a-f]{16}$/, ''); // cargo's test and benchmark programs
}

function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
}

function unknown(name: string): string {
  const [, module] = UNKNOWN.exec(name) ?? [];
  if (module !== undefined) return `[unknown: ${fileName(module)}]`;
  return UNKNOWN_ADDRESS.test(name) ? '[unknown]' : name;
}

function named(name: string): string {
  let short = withoutClones(name);
  if (REPLACEABLE.test(short)) for (const [part, by] of REPLACEMENTS) short = short.replace(part, by);
  return short || name || UNNAMED;
}

function withoutClones(name: string): string {
  for (let text = name; ; ) {
    const pair = DEMANGLED_CLONES.find(([, end]) => text.endsWith(end));
    const at = pair ? text.lastIndexOf(pair[0]) : -1;
    if (at <= 0 || text.indexOf(pair![1], at) !== text.length - 1) return text.slice(0, linkerCloneStart(text));
    text = text.slice(0, at);
  }
}

/** Where `.part.0.cold` and its like begin, from the end backwards; the name's length without any. */
function linkerCloneStart(name: string): number {
  let kept = name.length;
  let isNumbered = false;
  for (let end = name.length; ; ) {
    const dot = name.lastIndexOf('.', end - 1);
    if (dot <= 0) return kept;
    const word = name.slice(dot + 1, end);
    const isNumber = DIGITS.test(word);
    if (isNumbered ? CLONES.has(word) : UNNUMBERED.has(word)) kept = dot;
    else if (!isNumber) return kept;
    isNumbered = isNumber;
    end = dot;
  }
}

function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, '');
}

function isScript(path: string): boolean {
  return SCRIPT.test(withoutQuery(path));
}

/** A function of JavaScript: bundlers number equal names (`f$1`), minifiers give new ones in each build. */
function script(name: string, url: string): CanonicalFunction {
  const file = baseName(withoutQuery(url));
  const stable = file.replace(HASHED_SCRIPT, '$1$2');
  const isMinified = stable !== file || MINIFIED_SCRIPT.test(file);
  if (isMinified && name !== '' && name.length <= MINIFIED_NAME) return { name: MINIFIED, file: stable };
  return { name: name.replace(/(?<=.)\$\d+$/s, '') || ANONYMOUS, file: stable };
}
