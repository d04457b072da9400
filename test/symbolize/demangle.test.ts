import { execFileSync } from 'node:child_process';
import { afterAll, describe, expect, it } from 'vitest';
import { Demangler, maxMangledLength } from '../../src/symbolize/demangle.ts';
import { has, Workshop } from '../elf/toolchain.ts';

const workshop = new Workshop();
afterAll(() => workshop.clear());

/** f<A<int>, B<…>, B<…>, …>, each argument twice as long as the one before: 2^`doublings` in all. */
function doubling(doublings: number): string {
  let name = '_Z1f1AIiE1BIS0_S0_E';
  for (let i = 0; i < doublings; i++) {
    const last = (i + 2).toString(36).toUpperCase();
    name += `S1_IS${last}_S${last}_E`;
  }
  return name;
}

describe('names', () => {
  it.each([
    // C++
    ['_Z1fv', 'f()'],
    ['_Z3fooi', 'foo(int)'],
    ['_ZNSt6vectorIiSaIiEE9push_backERKi', 'std::vector<int, std::allocator<int> >::push_back(int const&)'],
    ['_ZN12_GLOBAL__N_11fEi', '(anonymous namespace)::f(int)'],
    ['_ZlsRSoRK1A', 'operator<<(std::ostream&, A const&)'],
    ['_ZN1AC2Ev', 'A::A()'],
    ['_ZNK1AcvbEv', 'A::operator bool() const'],
    ['_Z3fooi.isra.0', 'foo(int) [clone .isra.0]'],
    ['_Z3fooi.constprop.0.cold', 'foo(int) [clone .constprop.0] [clone .cold]'],
    ['__Z3fooi', 'foo(int)'],
    // Rust, legacy: the hash goes
    ['_ZN4core3ptr13drop_in_place17h0123456789abcdefE', 'core::ptr::drop_in_place'],
    ['_ZN4core3ptr13drop_in_place17h0123456789abcdefE.llvm.999', 'core::ptr::drop_in_place'],
    [
      '_ZN49_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$Drop$GT$4drop17h0123456789abcdefE',
      '<alloc::vec::Vec<T> as Drop>::drop',
    ],
    // Rust, v0
    ['_RNvC6_123foo3bar', '123foo::bar'],
    ['_RNvCs1234_7mycrate3foo', 'mycrate::foo'],
    ['_RNCNvC4main4main0', 'main::main::{closure#0}'],
    // None of them
    ['main', 'main'],
    ['runtime.mallocgc', 'runtime.mallocgc'],
    ['main.(*T).Method', 'main.(*T).Method'],
    ['_start', '_start'],
    ['__libc_start_main', '__libc_start_main'],
    ['_Z', '_Z'],
    ['_Znothing', '_Znothing'],
    ['_R', '_R'],
    ['_Rubbish', '_Rubbish'],
    ['?', '?'],
    ['', ''],
  ])('%s → %s', (mangled, readable) => {
    expect(new Demangler().demangle(mangled)).toBe(readable);
  });

  it('of C++ are those of c++filt', () => {
    const path = workshop.compile('g++', 'names.cpp', 'names', '-O0');
    const mangled = execFileSync('nm', ['-j', '--defined-only', path], { encoding: 'utf8' });
    const ours = mangled.split('\n').filter(name => name.startsWith('_ZN5names'));
    const theirs = execFileSync('c++filt', { input: ours.join('\n'), encoding: 'utf8' }).split('\n');
    // The one that says which type a template function returns.
    const withoutReturnTypes = theirs.map(name => name.replace(/^decltype \(.*?\)\) /, ''));
    const demangler = new Demangler();
    expect(ours.length).toBeGreaterThan(12);
    expect(ours.map(name => demangler.demangle(name))).toEqual(withoutReturnTypes);
  });

  it.skipIf(!has('rustc')).each(['legacy', 'v0'])('of Rust (%s; needs rustc) are readable', mangling => {
    const unstable = mangling === 'legacy' ? ['-Zunstable-options'] : [];
    const options = [
      '-Cdebuginfo=0',
      '-Copt-level=0',
      '--crate-name=names',
      ...unstable,
      `-Csymbol-mangling-version=${mangling}`,
    ];
    const path = workshop.compileWith({ RUSTC_BOOTSTRAP: '1' }, 'rustc', 'names.rs', `rust-${mangling}`, ...options);
    const mangled = execFileSync('nm', ['-j', '--defined-only', path], { encoding: 'utf8' }).split('\n');
    const demangler = new Demangler();
    const names = new Set(mangled.map(name => demangler.demangle(name)));
    expect(names).toContain('names::generic::<u64>'.slice(0, mangling === 'v0' ? undefined : 14));
    expect(names).toContain('<names::Circle as names::Shape>::area');
    expect(mangled.some(name => name.startsWith(mangling === 'v0' ? '_R' : '_ZN5names'))).toBe(true);
  });
});

describe('names out of proportion', () => {
  it('that are too long stay as they are', () => {
    const text = 'x'.repeat(maxMangledLength - 7);
    expect(new Demangler().demangle(`_Z${text.length}${text}v`)).toBe(`${text}()`);
    const longer = `_Z${text.length + 1}${text}xv`;
    expect(longer).toHaveLength(maxMangledLength + 1);
    expect(new Demangler().demangle(longer)).toBe(longer);
  });

  it('that stand for too much text stay as they are, within bounded time and memory', () => {
    const demangler = new Demangler();
    const before = process.memoryUsage().rss;
    const start = process.cpuUsage();
    for (const doublings of [14, 22, 40, 80]) {
      const name = doubling(doublings);
      expect(demangler.demangle(name)).toBe(name);
      expect(demangler.demangle('_Z3fooi')).toBe('foo(int)');
    }
    expect(process.cpuUsage(start).user).toBeLessThan(2_000_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
    expect(demangler.demangle(doubling(5))).toMatch(/^f\(A<int>, B<A<int>, A<int> >/);
  });

  it('are given up altogether when there are many of them', () => {
    const demangler = new Demangler();
    const start = process.cpuUsage();
    for (let i = 0; i < 1000; i++) demangler.demangle(`${doubling(30)}${'P'.repeat(i)}i`);
    expect(process.cpuUsage(start).user).toBeLessThan(5_000_000);
    expect(demangler.demangle('_Z3fooi')).toBe('_Z3fooi');
    expect(new Demangler().demangle('_Z3fooi')).toBe('foo(int)');
  });

  it('of random bytes do no harm', () => {
    const demangler = new Demangler();
    const start = process.cpuUsage();
    let state = 1;
    for (let i = 0; i < 20_000; i++) {
      let name = ['_Z', '_ZN', '_R', '?', '__Z', '_RNv', '_ZSt'][i % 7]!;
      for (let j = 0; j < 40; j++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        name += 'NSEIJTXLtaKPRO0123456789_ilvdcsFDpClngtCs\u{e9}'[(state >>> 8) % 41];
      }
      expect(typeof demangler.demangle(name)).toBe('string');
    }
    expect(process.cpuUsage(start).user).toBeLessThan(5_000_000);
    expect(demangler.demangle('_Z3fooi')).toBe('foo(int)');
  });
});
