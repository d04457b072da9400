import { describe, expect, test } from 'vitest';
import { pack } from '../../flamegraph/html-pack.ts';
import { unpack, type ViewerData } from '../../flamegraph/html-unpack.ts';
import {
  costs,
  reversedTree,
  type Selection,
  type Shape,
  sandwich,
  timeTree,
  weigh,
  wholeTree,
} from '../../flamegraph/viewer/build.ts';
import { type Functions, functionsOf } from '../../flamegraph/viewer/functions.ts';
import { matched } from '../../flamegraph/viewer/matched.ts';
import { type Comparison, type Tree, TreeBuilder } from '../../flamegraph/viewer/tree.ts';
import { collapsed, flameData, manyStacks } from '../flamegraph/fixture.ts';
import { serverData } from './fixture.ts';

const everything: Selection = { type: 0, thread: -1, range: undefined };
const head: Comparison = { side: 'head', scale: 1 };
const of = (text: string) => unpack(pack(collapsed(text), 'count'));

function shapeOf(data: ViewerData, more: Partial<Shape & { packages: boolean }> = {}): Shape {
  const functions = functionsOf(data, more.packages ?? false);
  return { functions, order: 'name', collapseRecursion: false, ...more };
}

/** `name self/total` in pre-order, indented by depth, or on one line with parentheses for what is below. */
function text(tree: Tree, { names }: Functions): string {
  const below = (node: number): string => {
    const children: string[] = [];
    for (let child = node + 1; child < tree.end[node]!; child = tree.end[child]!) children.push(below(child));
    const name = tree.key[node]! < 0 ? 'all' : names[tree.key[node]!];
    return `${name}:${tree.total[node]}${children.length > 0 ? `(${children.join(' ')})` : ''}`;
  };
  return below(0);
}

function whole(data: ViewerData, more: Partial<Shape & { packages: boolean }> = {}, selection = everything): string {
  const shape = shapeOf(data, more);
  return text(wholeTree(data, weigh(data, selection), shape, head), shape.functions);
}

const simple = of('a;b 2\na;b;c 3\na;d 4\nb;a 1\n- 5');

test('stacks by name', () => {
  expect(whole(simple)).toBe('all:15(a:9(b:5(c:3) d:4) b:1(a:1))');
});

test('left heavy', () => {
  const data = of('a;x 1\na;y 5\nb 20\na;z 5');
  expect(whole(data, { order: 'heavy' })).toBe('all:31(b:20 a:11(y:5 z:5 x:1))');
});

test('many children are in order as few are', () => {
  const lines = Array.from(
    { length: 40 },
    (_, i) => `f${String((i * 17) % 40).padStart(2, '0')} ${1 + ((i * 17) % 40)}`,
  );
  const data = of(lines.join('\n'));
  const names = Array.from({ length: 40 }, (_, i) => `f${String(i).padStart(2, '0')}:${i + 1}`);
  expect(whole(data)).toBe(`all:820(${names.join(' ')})`);
  expect(whole(data, { order: 'heavy' })).toBe(`all:820(${names.reverse().join(' ')})`);
});

test('reversed', () => {
  const shape = shapeOf(simple);
  const tree = reversedTree(simple, weigh(simple, everything), shape, head);
  expect(text(tree, shape.functions)).toBe('all:15(a:1(b:1) b:2(a:2) c:3(b:3(a:3)) d:4(a:4))');
});

describe('sandwich', () => {
  const views = (data: ViewerData, name: string) => {
    const shape = shapeOf(data);
    const wanted = shape.functions.names.indexOf(name);
    const { callers, callees } = sandwich(data, weigh(data, everything), shape, head, wanted);
    return [text(callers, shape.functions), text(callees, shape.functions)];
  };

  test('callers and callees, merged', () => {
    expect(views(simple, 'b')).toEqual(['b:6(a:5)', 'b:6(a:1 c:3)']);
  });

  test('recursion: the outermost call counts, once', () => {
    expect(views(of('m;r;r;r;x 4\nm;r;r 2\nr 1'), 'r')).toEqual(['r:7(m:6)', 'r:7(r:6(r:4(x:4)))']);
    expect(views(of('m;r;q;r;q 4'), 'q')).toEqual(['q:4(r:4(m:4))', 'q:4(r:4(q:4))']);
  });
});

test('costs of functions count a sample once', () => {
  const data = of('m;r;r;r 4\nm;r;q;r 2\nq 1');
  const shape = shapeOf(data);
  const { self, total } = costs(wholeTree(data, weigh(data, everything), shape, head), shape.functions.length);
  const by = (values: Float64Array) => Object.fromEntries(shape.functions.names.map((name, i) => [name, values[i]]));
  expect(by(self)).toEqual({ m: 0, q: 1, r: 6 });
  expect(by(total)).toEqual({ m: 6, q: 3, r: 6 });
});

describe('folding', () => {
  test('recursion', () => {
    const data = of('m;r;r;r;x 4\nm;r;r 2\nm;r;q;r 1');
    expect(whole(data, { collapseRecursion: true })).toBe('all:7(m:7(r:7(q:1(r:1) x:4)))');
  });

  test('packages below node_modules', () => {
    const at = (name: string, detail: string) => [name, 'jit', detail] as const;
    const stack = [
      at('main', '/app/main.js:1'),
      at('handle', '/app/node_modules/express/lib/router.js:10'),
      at('next', '/app/node_modules/express/lib/layer.js:4'),
      at('query', 'file:///app/node_modules/a/node_modules/@db/client/index.js:5'),
      at('mine', '/app/mine.js:2'),
    ];
    const data = unpack(pack(flameData([[stack, 3]]), 'count'));
    const folded = 'all:3(main:3(node_modules/express:3(node_modules/@db/client:3(mine:3))))';
    expect(whole(data, { packages: true })).toBe(folded);
    expect(whole(data)).toBe('all:3(main:3(handle:3(next:3(query:3(mine:3)))))');
  });
});

test('frames of the same name but another kind stay apart; of another place they do not', () => {
  const samples = [
    [[['f', 'native', 'x.c:1'] as const], 1],
    [[['f', 'native', 'y.c:2'] as const], 2],
    [[['f', 'kernel', 'x.c:1'] as const], 4],
  ] as const;
  const data = unpack(pack(flameData(samples), 'count'));
  expect(whole(data)).toBe('all:7(f:3 f:4)');
  const functions = functionsOf(data, false);
  expect([...functions.mixed.subarray(0, 2)]).toEqual([1, 0]);
});

describe('a part of the samples', () => {
  const data = unpack(pack(serverData(), 'count'));

  test('of a thread', () => {
    expect(whole(data, {}, { ...everything, thread: 1 })).toBe(
      'all:39(worker:39(_start:39(vfs_read:9 walk:30(sha256_block:30))))',
    );
  });

  test('of a range of time', () => {
    expect(weigh(data, { ...everything, range: [0, 1000] }).totalHead).toBeCloseTo(61);
    expect(weigh(data, { ...everything, range: [1000, 2000] }).totalHead).toBeCloseTo(39);
    expect(weigh(data, { ...everything, range: [5000, 6000] }).totalHead).toBe(0);
  });

  test('in another type of value', () => {
    expect(weigh(data, { ...everything, type: 1 }).totalHead).toBe(1e9);
  });
});

test('in order of time, equal frames are one where nothing is between them', () => {
  const plain = collapsed('a;x 4\na;y 1\nb 1');
  const timeline = {
    length: 6,
    sample: Uint32Array.of(0, 0, 1, 0, 2, 0),
    time: Float64Array.of(0, 10, 20, 30, 40, 50),
  };
  const data = unpack(pack({ ...plain, timeline }, 'count'));
  const shape = shapeOf(data, { order: 'time' });
  const tree = timeTree(data, everything, shape, head);
  expect(text(tree, shape.functions)).toBe('all:6(a:4(x:2 y:1 x:1) b:1 a:1(x:1))');
  const part = timeTree(data, { ...everything, range: [10, 40] }, shape, head);
  expect(text(part, shape.functions)).toBe('all:3(a:3(x:1 y:1 x:1))');
});

test('a difference keeps both sides, and widths are of the side wanted', () => {
  const plain = collapsed('a;new 3\na;gone 0\nb 1');
  const data = unpack(pack({ ...plain, samples: { ...plain.samples, base: Float64Array.of(0, 4, 4) } }, 'count'));
  const shape = shapeOf(data);
  const widths = (comparison: Comparison) => {
    const tree = wholeTree(data, weigh(data, everything), shape, comparison);
    return Object.fromEntries(
      Array.from(tree.key, (key, node) => [shape.functions.names[key] ?? 'all', tree.width[node]]),
    );
  };
  expect(widths({ side: 'head', scale: 1 })).toEqual({ all: 4, a: 3, new: 3, gone: 0, b: 1 });
  expect(widths({ side: 'base', scale: 1 })).toEqual({ all: 8, a: 4, new: 0, gone: 4, b: 4 });
  expect(widths({ side: 'both', scale: 0.5 })).toEqual({ all: 8, a: 5, new: 3, gone: 2, b: 3 });
});

test('what a search found counts once, and only in the zoom', () => {
  const data = of('m;r;r;x 4\nm;y 2\nn;r 1');
  const shape = shapeOf(data);
  const tree = wholeTree(data, weigh(data, everything), shape, head);
  const matches = Uint8Array.from(shape.functions.names, name => Number(name === 'r'));
  expect(matched(tree, matches, 0)).toEqual({ value: 5, frames: 3 });
  const zoom = tree.key.indexOf(shape.functions.names.indexOf('m'));
  expect(matched(tree, matches, zoom)).toEqual({ value: 4, frames: 2 });
});

test('every tree of many stacks is in pre-order, and adds up', () => {
  const data = unpack(
    pack(
      manyStacks(
        500,
        20,
        Array.from({ length: 50 }, (_, i) => `f${i}`),
      ),
      'count',
    ),
  );
  const weights = weigh(data, everything);
  const shape = shapeOf(data);
  const both = sandwich(data, weights, shape, head, 3);
  const build = [
    wholeTree(data, weights, shape, head),
    reversedTree(data, weights, shape, head),
    both.callers,
    both.callees,
  ];
  for (const tree of build) {
    const sums = tree.self.slice();
    for (let node = tree.length - 1; node > 0; node--) {
      const parent = tree.parent[node]!;
      sums[parent]! += sums[node]!;
      expect(
        parent < node && tree.end[node]! <= tree.end[parent]! && tree.depth[node] === tree.depth[parent]! + 1,
      ).toBe(true);
      expect(tree.start[node]! >= tree.start[parent]! - 1e-6).toBe(true);
      expect(tree.start[node]! + tree.width[node]! <= tree.start[parent]! + tree.width[parent]! + 1e-6).toBe(true);
    }
    expect([...sums]).toEqual([...tree.total]);
  }
  expect(both.callers.total[0]).toBe(both.callees.total[0]);
});

test('a tree that would be too large is cut where it is, and keeps every value', () => {
  const builder = new TreeBuilder(-1, 'name', 4);
  for (let i = 0; i < 10; i++) {
    let node = 0;
    for (let depth = 0; depth < 3; depth++) node = builder.child(node, 10 * depth + i);
    builder.add(node, 1, 0);
  }
  const tree = builder.finish(head);
  expect([tree.length, tree.total[0], tree.self[0]]).toEqual([4, 10, 9]);
});
