import { describe, expect, test } from 'vitest';
import { type FlameData, type FlameTree, layout } from '../../flamegraph/index.ts';
import { collapsed, flameData, manyStacks } from './fixture.ts';

/** One line per node: indentation for depth, then name, start, total, self. */
function outline(tree: FlameTree, data: FlameData): string[] {
  return Array.from({ length: tree.length }, (_, i) => {
    const frame = tree.frame[i]!;
    const name = frame < 0 ? 'all' : data.names[data.frames.name[frame]!];
    return `${'  '.repeat(tree.depth[i]!)}${name} @${tree.start[i]} total ${tree.total[i]} self ${tree.self[i]}`;
  });
}

function outlineOf(data: FlameData): string[] {
  return outline(layout(data), data);
}

describe('layout', () => {
  test('merges stacks and sorts siblings by name', () => {
    const data = collapsed(`
      main;write 3
      main;read;copy 5
      main;read 2
      start 1
      main;read;copy 4
    `);
    expect(outlineOf(data)).toEqual([
      'all @0 total 15 self 0',
      '  main @0 total 14 self 0',
      '    read @0 total 11 self 2',
      '      copy @0 total 9 self 9',
      '    write @11 total 3 self 3',
      '  start @14 total 1 self 1',
    ]);
  });

  test('keeps the levels of a recursion apart', () => {
    expect(outlineOf(collapsed('f;f;f 1\nf;f 2\nf;g;f 4'))).toEqual([
      'all @0 total 7 self 0',
      '  f @0 total 7 self 0',
      '    f @0 total 3 self 2',
      '      f @0 total 1 self 1',
      '    g @3 total 4 self 0',
      '      f @3 total 4 self 4',
    ]);
  });

  test('columns of parents and subtrees agree', () => {
    const tree = layout(collapsed('a;b;c 1\na;d 1\ne 1'));
    expect([...tree.parent]).toEqual([-1, 0, 1, 2, 1, 0]);
    expect([...tree.end]).toEqual([6, 5, 4, 4, 5, 6]);
    expect(tree).toMatchObject({ length: 6, grandTotal: 3, maxDepth: 3 });
  });

  test('the same name of another kind is another node, the kinds in order', () => {
    const data = flameData([
      [[['f', 'kernel']], 1],
      [[['f', 'native']], 2],
      [[['f', 'kernel', 'other module']], 4],
    ]);
    const tree = layout(data);
    expect([...tree.total]).toEqual([7, 2, 5]);
    expect([...tree.mixed], 'frames of two modules became one node').toEqual([0, 0, 1]);
  });

  test('equal texts merge although their indices differ', () => {
    const data = flameData([
      [['x'], 1],
      [['y'], 2],
    ]);
    const twice: FlameData = { ...data, names: ['', 'same', 'same'] };
    expect(outlineOf(twice)).toEqual(['all @0 total 3 self 0', '  same @0 total 3 self 3']);
  });

  test('orders names by code unit, in every locale', () => {
    const names = ['a', 'B', 'ä', 'Z', '_', '10', '9', '関数', ''];
    const data = flameData(names.map(name => [[name], 1]));
    const tree = layout(data);
    const order = [...tree.frame.subarray(1)].map(frame => data.names[data.frames.name[frame]!]);
    expect(order).toEqual(['', '10', '9', 'B', 'Z', '_', 'a', 'ä', '関数']);
  });

  test('orders and merges hundreds of siblings', () => {
    const names = Array.from({ length: 300 }, (_, i) => `f${String((i * 7) % 300).padStart(3, '0')}`);
    const data = flameData([...names, ...names].map((name, i) => [['main', name], i]));
    const tree = layout(data);
    const order = [...tree.frame.subarray(2)].map(frame => data.names[data.frames.name[frame]!]);
    expect(order).toEqual(names.toSorted());
    expect(tree.start[301]! + tree.total[301]!).toBe(tree.grandTotal);
  });

  test('the order of the samples does not matter', () => {
    const lines = ['a;b 1', 'a;c;d 2', 'b 3', 'a;c 4'];
    expect(outlineOf(collapsed(lines.join('\n')))).toEqual(outlineOf(collapsed(lines.toReversed().join('\n'))));
  });

  test('stacks without value do not appear, samples without frames count for the root', () => {
    expect(outlineOf(collapsed('a;b 0\na;c 2\n- 5'))).toEqual([
      'all @0 total 7 self 5',
      '  a @0 total 2 self 0',
      '    c @0 total 2 self 2',
    ]);
  });

  test('no samples: the root alone', () => {
    expect(outlineOf(flameData([]))).toEqual(['all @0 total 0 self 0']);
  });

  test('stacks of 100,000 frames', () => {
    const tree = layout(manyStacks(3, 100_000, ['f']));
    expect(tree).toMatchObject({ length: 100_001, maxDepth: 100_000 });
    expect(tree.total[100_000]).toBe(tree.grandTotal);
  });

  test('thousands of long names of one length are no slow path', () => {
    const names = Array.from({ length: 5000 }, (_, i) => `${'x'.repeat(20_000)}${String(i).padStart(5, '0')}`);
    const data = manyStacks(1000, 20, names);
    const begin = performance.now();
    expect(layout(data).maxDepth).toBe(20);
    expect(performance.now() - begin).toBeLessThan(2000);
  });

  test('what has less than minShare is counted and not gone into', () => {
    const data = collapsed('a;b;c 5\na;d 1\ne;f 1\na 93');
    const tree = layout(data, { minShare: 0.02 });
    expect(outline(tree, data)).toEqual([
      'all @0 total 100 self 0',
      '  a @0 total 99 self 93',
      '    b @0 total 5 self 0',
      '      c @0 total 5 self 5',
    ]);
    expect(tree.pruned).toEqual({ frames: 3, width: 2 });
    expect(layout(data).pruned).toEqual({ frames: 0, width: 0 });
  });

  test('equal stacks that are small one by one and not together are there', () => {
    const data = flameData(Array.from({ length: 100 }, (_, i) => [['main', ['f', 'native', `f.c:${i}`]], 1]));
    const tree = layout(data, { minShare: 0.5 });
    expect(outline(tree, data)).toEqual([
      'all @0 total 100 self 0',
      '  main @0 total 100 self 0',
      '    f @0 total 100 self 100',
    ]);
    expect([...tree.mixed]).toEqual([0, 0, 1]);
  });

  test.each([
    ['a negative value', { value: Float64Array.of(-1) }, 'sample 0 has the value -1'],
    ['NaN', { value: Float64Array.of(Number.NaN) }, 'sample 0 has the value NaN'],
    ['an infinite value', { value: Float64Array.of(Infinity) }, 'sample 0 has the value Infinity'],
    ['a stack that is not there', { stack: Int32Array.of(1) }, 'sample 0 points to stack 1 of 1'],
    ['a negative stack', { stack: Int32Array.of(-2) }, 'sample 0 points to stack -2 of 1'],
  ])('refuses %s', (_, change, message) => {
    const data = collapsed('a 1');
    const broken = { ...data, samples: { ...data.samples, ...change } };
    expect(() => layout(broken)).toThrow(RangeError);
    expect(() => layout(broken)).toThrow(message);
  });

  test('refuses tables that point nowhere or in circles', () => {
    const data = collapsed('a;b 1');
    const stacks = (prefix: number[], frame: number[]) =>
      layout({
        ...data,
        stacks: { length: 2, prefix: Int32Array.from(prefix), frame: Uint32Array.from(frame) },
      });
    expect(() => stacks([1, -1], [0, 1])).toThrow('stack 0 has the prefix 1');
    expect(() => stacks([-1, 1], [0, 1])).toThrow('stack 1 has the prefix 1');
    expect(() => stacks([-1, 0], [0, 2])).toThrow('stack 1 points to frame 2 of 2');
    expect(() => layout({ ...data, names: ['', 'a'] })).toThrow('frame 1 points to a name beyond the 2');
    const modules = { ...data, frames: { ...data.frames, module: Uint32Array.of(0, 9) } };
    expect(() => layout(modules)).toThrow('frame 1 points to a name beyond the 3');
    expect(() => layout(collapsed('a 1e308\nb 1e308'))).toThrow('add up to more');
  });
});
