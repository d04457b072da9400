import { describe, expect, test } from 'vitest';
import { canonicalFunction, isPlaceholder } from '../../src/diff/canonical.ts';

const nameOf = (name: string, file = '') => canonicalFunction(name, file).name;
const fileOf = (file: string) => canonicalFunction('f', file).file;

describe('names', () => {
  // biome-ignore format: a table
  test.each([
    // Rust
    ['app::parse::h0123456789abcdef', 'app::parse'],
    ['app::parse::h0123456789abcdef.llvm.1234567890', 'app::parse'],
    ['app[846817f741e54dfd]::parse::{closure#12}', 'app::parse::{closure}'],
    ['<app[846817f741e54dfd]::Row as core[1a2b3c4d5e6f7a8b]::fmt::Debug>::fmt', '<app::Row as core::fmt::Debug>::fmt'],
    ['app::parse::hash', 'app::parse::hash'],
    ['app::h0123::run', 'app::h0123::run'],
    // gcc's and LLVM's clones
    ['work.cold', 'work'],
    ['work.cold.12', 'work'],
    ['work.part.0', 'work'],
    ['work.isra.0.cold', 'work'],
    ['work.constprop.0.isra.1', 'work'],
    ['work.lto_priv.0', 'work'],
    ['work.__uniq.123456.llvm.42', 'work'],
    ['ns::work(int) [clone .isra.0] [clone .cold]', 'ns::work(int)'],
    ['ns::work(int) (.part.0)', 'ns::work(int)'],
    ['ns::work(int)', 'ns::work(int)'],
    ['counter.0', 'counter.0'],
    ['Page.part', 'Page.part'],
    ['Tree.part.cold', 'Tree.part'],
    ['.cold', '.cold'],
    // Go's closures and wrappers
    ['main.main.func1', 'main.main.func'],
    ['main.run.func1.2', 'main.run.func'],
    ['main.run.func2.func1.1', 'main.run.func'],
    ['main.(*Server).serve.gowrap3', 'main.(*Server).serve.gowrap'],
    ['github.com/a/b.v2/pkg.Map[go.shape.int].func1', 'github.com/a/b.v2/pkg.Map[go.shape.int].func'],
    ['main.func1', 'main.func1'],
    ['main.run.function1', 'main.run.function1'],
    // lambdas
    ['run()::{lambda(int)#2}::operator()(int) const', 'run()::{lambda(int)}::operator()(int) const'],
    ["run()::'lambda3'(int)::operator()(int) const", "run()::'lambda'(int)::operator()(int) const"],
    ['run()::$_17::operator()(int) const', 'run()::$_::operator()(int) const'],
    ['Main$$Lambda$14/0x0000000800066840.run', 'Main$$Lambda.run'],
    ['Main$$Lambda/0x00007f3c.run', 'Main$$Lambda.run'],
    ['Main.lambda$start$12', 'Main.lambda$start'],
    // without a name
    ['[unknown: libfoo.so+0x1234]', '[unknown: libfoo.so]'],
    ['[unknown: libfoo.so.1.2.3+0xffffffff81000000]', '[unknown: libfoo.so]'],
    ['[unknown: 0x7f3c12]', '[unknown]'],
    ['[unknown: jit]', '[unknown: jit]'],
    ['0x7f3c12', '[unknown]'],
    ['0xfeed_handler', '0xfeed_handler'],
    ['', '[unnamed]'],
  ])('%j is %j', (name, expected) => expect(nameOf(name)).toBe(expected));
});

describe('files', () => {
  // biome-ignore format: a table
  test.each([
    ['/build/main-1234/src/parse.rs', 'parse.rs'],
    ['C:\\build\\parse.cpp', 'parse.cpp'],
    ['/usr/lib/libfoo.so.1.2.3', 'libfoo.so'],
    ['/lib/x86_64-linux-gnu/libc-2.31.so', 'libc.so'],
    ['/usr/lib/libpython3.11.so.1.0', 'libpython3.11.so'],
    ['/app/target/release/deps/bench-0123456789abcdef', 'bench'],
    ['[kernel.kallsyms]_stext', '[kernel.kallsyms]'],
    ['/opt/app-2', 'app-2'],
    ['', ''],
  ])('%j is %j', (file, expected) => expect(fileOf(file)).toBe(expected));
});

describe('JavaScript', () => {
  // biome-ignore format: a table
  test.each([
    // Lines and tiers of V8's perf maps.
    ['JS:*render /srv/a/app.js:12:34', '/memfd:jit', 'render', 'app.js'],
    ['JS:~render /srv/b/app.js:99:1', '', 'render', 'app.js'],
    ['LazyCompile:^render file:///srv/app.mjs:12', '', 'render', 'app.mjs'],
    ['JS:* /srv/app.js:12:34', '', '(anonymous)', 'app.js'],
    ['JS:*file:///srv/app.js:12:34', '', '(anonymous)', 'app.js'],
    ['app.js:12:34', '/dist/app.js', '(anonymous)', 'app.js'],
    ['https://host/main.3f2a9c1b.js:1:5324', '/dist/main.3f2a9c1b.js', '(anonymous)', 'main.js'],
    ['JS:*render', '', 'render', ''],
    ['JS::Evaluate(JSContext*)', '/usr/lib/libxul.so', 'JS::Evaluate(JSContext*)', 'libxul.so'],
    // Hashes of bundles, numbers of bundlers.
    ['render', 'https://host/static/main.3f2a9c1b.js?v=2', 'render', 'main.js'],
    ['render', '/dist/assets/index-B8xK2_9a.js', 'render', 'index.js'],
    ['render', '/dist/2.0a1b2c3d.chunk.js', 'render', '2.chunk.js'],
    ['render', '/src/code-generate.js', 'render', 'code-generate.js'],
    ['render$3', '/dist/app.js', 'render', 'app.js'],
    ['$1', '/dist/app.js', '$1', 'app.js'],
    ['', '/dist/app.js', '(anonymous)', 'app.js'],
    // What a minifier chose.
    ['a', '/dist/app.min.js', '(minified)', 'app.min.js'],
    ['Xe', '/dist/main.3f2a9c1b.js', '(minified)', 'main.js'],
    ['map', '/dist/app.min.js', 'map', 'app.min.js'],
    ['a', '/src/app.js', 'a', 'app.js'],
  ])('%j in %j is %j in %j', (name, file, expected, in_) => {
    expect(canonicalFunction(name, file)).toEqual({ name: expected, file: in_ });
  });
});

test('what has no name is known by its module', () => {
  expect(canonicalFunction('[unknown: libfoo.so.1+0x12]', '/lib/libfoo.so.1')).toEqual({
    name: '[unknown: libfoo.so]',
    file: '',
  });
});

test('what stands for many functions', () => {
  const stands = ['', '0x12', '[unknown: a.so+0x1]', '[unknown: jit]'].map(name => isPlaceholder(nameOf(name)));
  expect(stands).toEqual([true, true, true, true]);
  expect(isPlaceholder(nameOf('', 'a.js'))).toBe(true);
  expect(isPlaceholder(nameOf('a', 'a.min.js'))).toBe(true);
  expect(isPlaceholder(nameOf('(anonymous namespace)::f()'))).toBe(false);
  expect(isPlaceholder(nameOf('[unknowable]'))).toBe(false);
});

test('long names are cut, whatever they repeat', () => {
  const pieces = [
    '.cold',
    '.1',
    '-1',
    '::h0',
    '[0a',
    '$$Lambda$1',
    "'lambda",
    '#1',
    ' [clone .',
    ' (.',
    '$_1',
    '+0x1',
    ':1',
  ];
  for (const piece of pieces) {
    const text = piece.repeat(1e6 / piece.length);
    for (const name of [text, `${text}!`, `${text})`, `JS:*${text}`, `[unknown: ${text}]`]) {
      expect(nameOf(name).length).toBeLessThanOrEqual(16_000);
    }
    for (const file of [`${text}.js`, `${text}.so`, `${text}.min.js?`, text]) {
      expect(canonicalFunction('f', file).file.length).toBeLessThanOrEqual(16_000);
    }
  }
});
