import { describe, expect, test } from 'vitest';
import { type FlameData, flameGraphSvg, layout, renderSvg, type SvgOptions } from '../../flamegraph/index.ts';
import { collapsed, flameData, manyStacks, type TestFrame } from './fixture.ts';

/** Without the script, which is the same in all. */
function svg(data: FlameData, options: SvgOptions = {}): string {
  return [...renderSvg(layout(data), data, { script: false, ...options })].join('');
}

function count(text: string, part: string | RegExp): number {
  return text.split(part).length - 1;
}

const main: TestFrame = ['main', 'native', 'app.c:12'];
const handler: TestFrame = ['Server.handle', 'jit', 'server.js:40'];
const read: readonly TestFrame[] = [
  ['read', 'native', 'libc.so.6'],
  ['do_syscall_64', 'kernel', '[kernel]'],
  ['vfs_read', 'kernel', '[kernel]'],
];
const worker: TestFrame = ['worker', 'process', 'pid 7'];
const web: TestFrame = ['web', 'process', 'pid 8'];

/** Every kind of frame, a merged detail, a sample without frames, a frame too narrow to draw. */
const everything = flameData([
  [[worker, main, ...read], 3e9],
  [[worker, main, ['std::vector<int>::push_back', 'inlined', 'vector.h:99'], ['memcpy', 'plt']], 1e9],
  [[web, main, ['run', 'interpreted', 'server.js:1'], handler], 2.5e9],
  [[web, main, ['run', 'interpreted', 'server.js:9'], handler, ['clock_gettime', 'vdso', '[vdso]']], 5e8],
  [[web, ['[unknown: libssl.so.3+0x1f2]', 'unknown', 'libssl.so.3']], 1e9],
  [[web, main, ['blink', 'native', 'app.c:99']], 1e5],
  [[], 2e8],
]);
const recorded: SvgOptions = {
  title: 'CPU time of <web>',
  subtitle: 'web --port 80 · cpu-clock at 99 Hz · 8.2 s',
  unit: 'nanoseconds',
  notes: ['12 samples lost (0.2 %)', 'A note & another'],
};

describe('golden', () => {
  test('flame graph', () => expect(svg(everything, recorded)).toMatchFileSnapshot('golden/everything.svg'));

  test('icicle graph, dark', () =>
    expect(svg(everything, { ...recorded, inverted: true, theme: 'dark', width: 600 })).toMatchFileSnapshot(
      'golden/icicle-dark.svg',
    ));

  test('no samples', () =>
    expect(svg(flameData([]), { title: 'Idle', theme: 'light' })).toMatchFileSnapshot('golden/empty.svg'));
});

test('title of a frame: name, place, share of all and of the caller, self', () => {
  const text = svg(
    flameData([
      [['a', ['b', 'kernel', 'mod']], 3],
      [['a', 'c'], 1],
      [['d'], 4],
      [['a', ['b', 'kernel', 'mod'], 'e'], 1],
    ]),
  );
  expect(text).toContain(
    '<title>b\nmod, kernel\n4, 44.4 % of total, 80.0 % of parent\nself: 3, 33.3 % of total</title>',
  );
  expect(text).toContain('<title>a\nnative\n5, 55.6 % of total</title>');
});

test('a name is shown whole where it fits and cut only where enough of it remains', () => {
  const labels = (value: number) => count(svg(collapsed(`f ${value}\nlonger_name ${1180 - value}`)), '>f</text>');
  expect([labels(12), labels(14)]).toEqual([0, 1]);
  expect(svg(collapsed('abcdef 30\nx 1150'))).not.toMatch(/>a[a-z]*…</);
  expect(svg(collapsed('abcdef 36\nx 1144'))).toContain('>abc…</text>');
});

test('with and without script the picture is the same, byte by byte', () => {
  const plain = svg(everything, recorded);
  const scripted = svg(everything, { ...recorded, script: true });
  const strip = (text: string) => {
    return text.replace(/<(style|script)>.*?<\/\1>\n/gs, '').replace(/ data-inverted="[^"]*" data-boxes="[^"]*"/, '');
  };
  expect(scripted).toContain('<script>');
  expect(plain).not.toContain('<script');
  expect(strip(scripted)).toBe(strip(plain));
});

test('the script is the same in every picture: nothing of the data is in it', () => {
  const script = (data: FlameData) => /<script><!\[CDATA\[(.*?)\]\]><\/script>/s.exec(svg(data, { script: true }))![1]!;
  expect(script(everything)).toBe(script(collapsed(']]></script>;`{alert(1)} 1')));
  expect(script(everything)).not.toMatch(/\]\]>|<\/script|<!--/i);
});

test('drawn at once is what layout and drawing give', () => {
  const names = Array.from({ length: 50 }, (_, i) => `f${i}`);
  const data = manyStacks(2000, 30, names);
  const frames = (text: string) => text.split('\n').filter(line => line.startsWith('<g><title>'));
  const options: SvgOptions = { script: false, minWidth: 3 };
  const quick = [...flameGraphSvg(data, options)].join('');
  expect(quick).toContain('Not drawn: ');
  expect(frames(quick)).toEqual(frames(svg(data, options)));
  expect(quick.match(/samples through them: [^)]*/)![0]).toBe(
    svg(data, options).match(/samples through them: [^)]*/)![0],
  );
});

test('a million stacks: a picture of 2 MB at most', () => {
  const data = manyStacks(
    1_000_000,
    3,
    Array.from({ length: 4000 }, (_, i) => `namespace::Class${i}::method(int)`),
  );
  let bytes = 0;
  for (const chunk of flameGraphSvg(data)) bytes += Buffer.byteLength(chunk);
  expect(bytes).toBeGreaterThan(20_000);
  expect(bytes).toBeLessThan(2e6);
});

test('the same input gives the same bytes', () => {
  const data = manyStacks(300, 20, ['a', 'b', '関数', 'd::e::f<int>']);
  expect(svg(data)).toBe(svg(data));
});

test('chunks stay small while the picture grows', () => {
  const data = manyStacks(
    500,
    30,
    Array.from({ length: 300 }, (_, i) => `function_${i}`),
  );
  const chunks = [...renderSvg(layout(data), data)];
  expect(chunks.length).toBeGreaterThan(10);
  expect(Math.max(...chunks.map(chunk => chunk.length))).toBeLessThan(80_000);
});

describe('left out and told', () => {
  test('frames narrower than minWidth', () => {
    const data = collapsed('a;b 99\na;c;d 1');
    expect(svg(data, { minWidth: 20 })).toContain(
      'Not drawn: 2 frames narrower than 20 px (samples through them: 1, 1.0 %)',
    );
    expect(svg(data, { minWidth: 1 })).not.toContain('Not drawn');
  });

  test('deeper levels', () => {
    const text = svg(collapsed('a;b;c;d 3\na;b 1'), { maxDepth: 2 });
    expect(text).toContain('Not drawn: 2 frames deeper than 2 levels (samples through them: 3, 75.0 %)');
    expect(count(text, '<g><title>')).toBe(3 + 1);
  });

  test('the narrowest frames where there are too many', () => {
    const data = collapsed(Array.from({ length: 100 }, (_, i) => `f${i} ${i + 1}`).join('\n'));
    const text = svg(data, { maxFrames: 11 });
    expect(count(text, '<g><title>')).toBe(11 + 1);
    expect(text).toContain('Not drawn: 90 frames narrower than 21 px (samples through them: 4,095, 81.1 %)');
  });

  test('notes beyond a limit', () => {
    expect(svg(collapsed('a 1'), { notes: Array.from({ length: 25 }, (_, i) => `note ${i}`) })).toContain(
      'and 5 more notes',
    );
  });
});

test('stacks of 2,000 frames make a tall picture with an end', () => {
  const text = svg(manyStacks(1, 2000, ['f']));
  const height = Number(/height="(\d+)"/.exec(text)![1]);
  expect(height).toBeGreaterThan(1500 * 17);
  expect(height).toBeLessThan(26_000);
  expect(text).toContain('Not drawn: 500 frames deeper than 1,500 levels');
});

test('64 KB names on 20,000 stacks of 40 frames do not blow up the file', () => {
  const names = Array.from({ length: 500 }, (_, i) => `${i}${'<"\u202e\n'.repeat(16_384)}`);
  const data = manyStacks(20_000, 40, names);
  let bytes = 0;
  for (const chunk of renderSvg(layout(data), data)) bytes += Buffer.byteLength(chunk);
  expect(bytes).toBeGreaterThan(100_000);
  expect(bytes).toBeLessThan(40e6);
});

describe('refuses', () => {
  const data = collapsed('a 1');
  test.each([
    ['width', { width: Number.NaN }],
    ['width', { width: 0 }],
    ['minWidth', { minWidth: -1 }],
    ['maxFrames', { maxFrames: 0 }],
    ['maxDepth', { maxDepth: Infinity }],
  ])('%s in %o', (name, options) => {
    expect(() => renderSvg(layout(data), data, options)).toThrow(RangeError);
    expect(() => renderSvg(layout(data), data, options)).toThrow(`${name} is `);
  });
});

test('an unlisted kind is drawn as unknown', () => {
  const data = collapsed('a 1');
  const text = svg({ ...data, frames: { ...data.frames, kind: Uint8Array.of(200) } });
  expect(text).toContain('<title>a\nunknown\n');
});
