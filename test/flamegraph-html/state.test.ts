import { expect, test } from 'vitest';
import { fromHash, type State, toHash, token } from '../../flamegraph/viewer/state.ts';

const initial: State = {
  view: 'flame',
  zoom: [],
  focus: '',
  search: '',
  type: 1,
  thread: -1,
  range: undefined,
  order: 'name',
  reverse: false,
  recursion: false,
  packages: false,
  inverted: false,
  colors: 'kind',
  safe: false,
  side: 'both',
  normalize: true,
  change: 'total',
};

test('what is as it was at first is not in the address', () => {
  expect(toHash(initial, initial)).toBe('');
  expect(fromHash('', initial, 2, 3)).toEqual(initial);
});

test('an address holds everything', () => {
  const state: State = {
    view: 'functions',
    zoom: ['0main', '0a/b', '2~tilde ~1', '0#&=+ %', '0</script>', '0é😀\0\u202e', '0'],
    focus: '1vfs_read',
    search: '/a b+#/',
    type: 0,
    thread: 2,
    range: [20, 1040.5],
    order: 'heavy',
    reverse: true,
    recursion: true,
    packages: true,
    inverted: true,
    colors: 'module',
    safe: true,
    side: 'head',
    normalize: false,
    change: 'self',
  };
  const hash = toHash(state, initial);
  expect(hash).toMatch(/^[\w.~%+=&*-]*$/);
  expect(fromHash(`#${hash}`, initial, 2, 3)).toEqual(state);
});

test.each([
  'view=elsewhere&order=size&side=x&change=y&colors=rainbow',
  'type=2&thread=3',
  'type=-1&thread=1.5&range=5',
  'range=9-3',
  'range=a-b&type=NaN',
  'zoom=',
  'constructor=1&__proto__=2',
  '%E0%A4%A&=&&',
])('a wrong address %j changes nothing', hash => {
  expect(fromHash(`#${hash}`, initial, 2, 3)).toEqual(initial);
});

test('long names are cut, alike wherever they come from', () => {
  expect(token('x'.repeat(100_000), 4)).toBe(`4${'x'.repeat(120)}`);
});

test('a name cut within a character is found again', () => {
  const path = [token(`${'x'.repeat(119)}😀`, 0)];
  expect(fromHash(toHash({ ...initial, zoom: path }, initial), initial, 2, 3).zoom).toEqual(path);
});
