import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { demangleItanium, outOfProportion } from '../../../src/symbolize/itanium/index.ts';
import { firstOf } from '../../elf/toolchain.ts';
import { random } from '../../support/random.ts';

const readable = (name: string) => demangleItanium(name, { llvm: false });
const asLlvm = (name: string) => demangleItanium(name, { llvm: true });

/** Everything that a program exports, once. */
function symbolsOf(path: string): string[] {
  const text = execFileSync('nm', ['-j', '-D', '--defined-only', path], { encoding: 'utf8', maxBuffer: 2 ** 28 });
  return [...new Set(text.split('\n').map(name => name.replace(/@.*/, '')))].filter(name => name.startsWith('_Z'));
}

describe('as LLVM writes it', () => {
  it.each([
    // what template functions return
    ['_Z3maxIiET_S0_S0_', 'int max<int>(int, int)'],
    ['_Z1fIiEPFvT_Ev', 'void (*f<int>())(int)'],
    ['_ZN1A1gIiEET_v', 'int A::g<int>()'],
    // declarators
    ['_Z1fPFvPA10_iE', 'f(void (*)(int (*) [10]))'],
    ['_Z1fRA3_A4_KcOi', 'f(char const (&) [3][4], int&&)'],
    ['_Z1fM1AKFivE', 'f(int (A::*)() const)'],
    ['_Z1fM1Ai', 'f(int A::*)'],
    ['_Z1fPPFvvE', 'f(void (**)())'],
    ['_Z1fPKPFvvE', 'f(void (* const*)())'],
    ['_Z1fPDoFvvE', 'f(void (*)() noexcept)'],
    ['_Z1fDv4_f', 'f(float vector[4])'],
    // references collapse
    ['_Z1fIRiEvOT_', 'void f<int&>(int&)'],
    ['_Z1fIOiEvRT_', 'void f<int&&>(int&)'],
    // packs
    ['_Z1fIJicEEvDpT_', 'void f<int, char>(int, char)'],
    ['_Z1fIJEEvDpT_', 'void f<>()'],
    ['_Z1fIJicEEvDpRKT_', 'void f<int, char>(int const&, char const&)'],
    ['_Z1fIJRA2_cEEvDpOT_', 'void f<char (&) [2]>(char (&) [2])'],
    // conversion operators, whose arguments come later
    ['_ZN1AcvT_IiEEv', 'A::operator int<int>()'],
    ['_ZNK1AcvbEv', 'A::operator bool() const'],
    // literals
    ['_Z1fILj3ELb1ELc97ELin5EEvv', 'void f<3u, true, (char)97, -5>()'],
    ['_Z1fIL1E2EEvv', 'void f<(E)2>()'],
    ['_Z1fIXadL_Z1gvEEEvv', 'void f<&(g())>()'],
    // expressions
    ['_Z1fIiEDTplfp_Li1EET_', 'decltype((fp) + (1)) f<int>(int)'],
    ['_Z1fIiEDTcl1gfp_EET_', 'decltype(g(fp)) f<int>(int)'],
    [
      '_Z1fIiENSt9enable_ifIXsr7is_sameIT_iEE5valueEvE4typeEv',
      'std::enable_if<is_same<int, int>::value, void>::type f<int>()',
    ],
    // within functions
    ['_ZZ1fvENKUliE_clEi', "f()::'lambda'(int)::operator()(int) const"],
    ['_ZZ1fvENKUlT_E0_clIiEEDaS_', "auto f()::'lambda0'(auto)::operator()<int>(auto) const"],
    ['_ZZ1fvE1x_0', 'f()::x'],
    ['_ZZ1fvEs', 'f()::string literal'],
    ['_ZN1AUt0_1gEv', "A::'unnamed0'::g()"],
    // compilers' own
    ['_ZTV1A', 'vtable for A'],
    ['_ZThn8_N1A1fEv', 'non-virtual thunk to A::f()'],
    ['_ZTv0_n24_N1A1fEv', 'virtual thunk to A::f()'],
    ['_ZTch0_h16_N1A1fEv', 'covariant return thunk to A::f()'],
    ['_ZGVZ1fvE1x', 'guard variable for f()::x'],
    ['_ZTC1A0_1B', 'construction vtable for B-in-A'],
    // std
    ['_ZNSsC1Ev', 'std::basic_string<char, std::char_traits<char>, std::allocator<char> >::basic_string()'],
    ['_ZNSs4sizeEv', 'std::string::size()'],
    ['_ZNSt8ios_base7failureB5cxx11C1Ev', 'std::ios_base::failure[abi:cxx11]::failure()'],
    // pieces
    ['_Z1fi.part.0.cold', 'f(int) (.part.0.cold)'],
  ])('%s → %s', (name, text) => expect(asLlvm(name)).toBe(text));

  const filt = firstOf('llvm-cxxfilt', 'llvm-cxxfilt-19', 'llvm-cxxfilt-14');
  it.skipIf(filt === undefined)('every name that libstdc++ exports (needs llvm-cxxfilt)', () => {
    const library = execFileSync('g++', ['-print-file-name=libstdc++.so.6'], { encoding: 'utf8' }).trim();
    // What it cannot read itself, or gets wrong.
    const names = symbolsOf(library).filter(name => !name.startsWith('_ZGTt') && !/B5cxx11[CD]\d/.test(name));
    const theirs = execFileSync(filt!, { input: names.join('\n'), encoding: 'utf8' }).split('\n');
    const closed = (text: string | undefined) => text?.replaceAll(/(?<=>) (?=>)/g, '');
    expect(names.length).toBeGreaterThan(4000);
    expect(names.map(name => closed(asLlvm(name)))).toEqual(theirs.slice(0, names.length).map(closed));
  });
});

describe('as people read it', () => {
  it.each([
    ['_Z3maxIiET_S0_S0_', 'max<int>(int, int)'],
    ['_ZZ1fvENKUliE0_clEi', 'f()::{lambda(int)#2}::operator()(int) const'],
    ['_ZN1AUt_1gEv', 'A::{unnamed type#1}::g()'],
    ['_ZN1AlsIiEERS_T_', 'A::operator<< <int>(int)'],
    ['_Z1fi.part.0.cold', 'f(int) [clone .part.0] [clone .cold]'],
  ])('%s → %s', (name, text) => expect(readable(name)).toBe(text));
});

describe('what is no name', () => {
  it.each(['', '_Z', '_Z1', '_Z0f', '_Z99f', '_Z1fS_', '_Z1fT_', '_ZN', '_ZNE', '_ZN1AE1', '_Z1f!', 'main', '_ZS'])(
    '%s',
    name => expect(readable(name)).toBeUndefined(),
  );

  it('nests too deep', () => {
    expect(readable(`_Z1f${'P'.repeat(5000)}i`)).toBeUndefined();
    expect(readable(`_Z1f${'P'.repeat(100)}i`)).toBe(`f(int${'*'.repeat(100)})`);
  });

  it('stands for more than anybody reads', () => {
    let name = '_Z1f1AIiE1BIS0_S0_E';
    for (let i = 0; i < 40; i++)
      name += `S1_IS${(i + 2).toString(36).toUpperCase()}_S${(i + 2).toString(36).toUpperCase()}_E`;
    expect(() => readable(name)).toThrow(outOfProportion);
  });

  it('has pieces missing, or others in their place', () => {
    const names = [
      '_ZNSt17_Function_handlerIFviPKN4node9DataQueue3VecEmEZNS0_4BlobEvEUliE_E10_M_managerERSt9_Any_dataRKS5_',
      '_Z1fIJRA2_cEEvDpOT_',
      '_ZN1AcvT_IiEEv',
      '_Z1fIiENSt9enable_ifIXsr7is_sameIT_iEE5valueEvE4typeEv',
      '_ZZ1fvENKUlT_E0_clIiEEDaS_',
    ];
    const below = random(1);
    for (let i = 0; i < 20_000; i++) {
      const name = names[i % names.length]!;
      const at = 2 + below(name.length - 2);
      const other = names[below(names.length)]!.slice(below(20), 20 + below(20));
      const broken = name.slice(0, at) + (below(2) === 0 ? '' : other) + name.slice(at + below(3));
      try {
        const text = readable(broken);
        if (text !== undefined) expect(text).not.toContain('\u0001');
      } catch (error) {
        expect(error).toBe(outOfProportion);
      }
    }
  });
});
