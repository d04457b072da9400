import { describe, expect, it } from 'vitest';
import { shortName } from '../../src/symbolize/short-names.ts';

describe('short names', () => {
  it.each([
    ['main', 'main'],
    ['foo(int)', 'foo'],
    ['std::vector<int, std::allocator<int> >::push_back(int const&)', 'std::vector<>::push_back'],
    ['void foo<std::pair<int, (anonymous namespace)::A> >(int)', 'foo<>'],
    ['unsigned long const& a::b<(x)3>::c() const', 'a::b<>::c'],
    ['a::f() const &', 'a::f'],
    ['a::f(int) &&', 'a::f'],
    ['(anonymous namespace)::f(int)', '(anonymous namespace)::f'],
    ['void v8::(anonymous namespace)::f<int>(char)', 'v8::(anonymous namespace)::f<>'],
    ['a::~a()', 'a::~a'],
    ['operator<(A const&, B const&)', 'operator<'],
    ['bool operator< <int>(A<int> const&)', 'operator< <>'],
    ['std::ostream& std::operator<< <std::char_traits<char> >(std::ostream&, char const*)', 'std::operator<< <>'],
    ['A::operator<<(int)', 'A::operator<<'],
    ['A::operator<=>(A const&) const', 'A::operator<=>'],
    ['A::operator>>=(int)', 'A::operator>>='],
    ['A::operator->() const', 'A::operator->'],
    ['A::operator->*(int)', 'A::operator->*'],
    ['A<int>::operator()(int) const', 'A<>::operator()'],
    ['void A::operator()<int>(int) const', 'A::operator()<>'],
    ['A::operator[](unsigned long)', 'A::operator[]'],
    ['A::operator,(int)', 'A::operator,'],
    ['A::operator==(A const&) const', 'A::operator=='],
    ['operator new(unsigned long)', 'operator new'],
    ['A::operator delete[](void*)', 'A::operator delete[]'],
    ['operator"" _ms(unsigned long long)', 'operator"" _ms'],
    ['A::operator bool() const', 'A::operator bool'],
    ['A::operator newtype() const', 'A::operator newtype'],
    ['A::operator char const*() const', 'A::operator char const*'],
    ['A::operator std::vector<int, B<C> >() const', 'A::operator std::vector<>'],
    ['A::operator (anonymous namespace)::B() const', 'A::operator (anonymous namespace)::B'],
    ['f(int)::{lambda(int)#1}::operator()(int) const', 'f::{lambda(int)#1}::operator()'],
    ['f<int>(int) const::{lambda(std::vector<int>)#2}::_FUN(int)', 'f<>::{lambda(std::vector<int>)#2}::_FUN'],
    ['f(int)::g', 'f::g'],
    ['decltype(auto) f<int>(int)', 'f<>'],
    ['decltype ((a.b)()) f<int>(int)', 'f<>'],
    ['decltype(g<int>(0)) a::f<int>(int)', 'a::f<>'],
    ['void (*f(int))(char)', 'f'],
    ['int (*a::f<int>(int))(char)', 'a::f<>'],
    ['foo(int) [clone .isra.0]', 'foo [clone .isra.0]'],
    ['foo<a>(int) [clone .constprop.0] [clone .cold]', 'foo<> [clone .constprop.0] [clone .cold]'],
    ['a::f[abi:cxx11](int)', 'a::f[abi:cxx11]'],
    ['f(bool (*)(char) noexcept)', 'f'],
    ['void f<bool (*)(char) noexcept>(A<bool (*)(char)>)', 'f<>'],
    ['void f<(1>2), (3<4)>(int)', 'f<>'],
    ['void f<&A::operator> >(int)', 'f<>'],
    ['void f<A::operator->>(int)', 'f<>'],
    [
      '{virtual override thunk({offset(-16)}, a::b<int>::f(unsigned long))}',
      '{virtual override thunk({offset(-16)}, a::b<>::f)}',
    ],
    ['non-virtual thunk to a::f(int)', 'a::f'],
    ['<alloc::vec::Vec<T> as core::ops::drop::Drop>::drop', '<alloc::vec::Vec<> as core::ops::drop::Drop>::drop'],
    ['<&mut dyn core::ops::Fn(i32) -> i32>::call', '<&mut dyn core::ops::Fn(i32) -> i32>::call'],
    ['core::fmt::impls::<impl core::fmt::Debug for u8>::fmt', 'core::fmt::impls::<impl core::fmt::Debug for u8>::fmt'],
    ['core::ptr::drop_in_place<alloc::vec::Vec<u8>>', 'core::ptr::drop_in_place<>'],
    ['a::f::<fn(i32) -> i32, u8>::{closure#0}', 'a::f::<>::{closure#0}'],
    ['a::main::{{closure}}', 'a::main::{{closure}}'],
    // Brackets that do not match are left alone.
    ['f(int', 'f(int'],
    ['f<int', 'f<int'],
    ['f)(', 'f)('],
    ['', ''],
  ])('%s → %s', (name, short) => {
    expect(shortName(name)).toBe(short);
  });

  it('take time in proportion to the length', () => {
    const start = process.cpuUsage();
    for (const unit of [
      '<',
      '(',
      '{',
      'operator',
      'operator<',
      '<(',
      ' ',
      'a<b>::',
      '(anonymous namespace)',
      'f()::',
    ]) {
      shortName(unit.repeat(60_000 / unit.length));
    }
    const nested = '('.repeat(30_000) + ')'.repeat(30_000);
    expect(shortName(nested)).toContain('((');
    expect(process.cpuUsage(start).user).toBeLessThan(1_000_000);
  });
});
