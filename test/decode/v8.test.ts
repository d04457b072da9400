import { describe, expect, test } from 'vitest';
import { collapsedLines, fixture, labelTexts, locationTexts, read, refusal } from './inputs.ts';

const frame = (functionName: string, url = '', lineNumber = -1) => ({ functionName, url, lineNumber, columnNumber: 0 });

const small = {
  nodes: [
    { id: 1, callFrame: frame('(root)'), children: [2, 4] },
    { id: 2, callFrame: frame('main', 'file:///srv/a%20b.js', 0), hitCount: 1, children: [3] },
    { id: 3, callFrame: frame('', 'node:internal/fs', 9), hitCount: 2 },
    { id: 4, callFrame: frame('(idle)'), hitCount: 0 },
  ],
  startTime: 1000,
  endTime: 5000,
  samples: [3, 2, 4, 3],
  timeDeltas: [500, 1000, 1000, 500],
};

describe('.cpuprofile', () => {
  test('of node', async () => {
    const result = await read(fixture('node.cpuprofile'));
    const lines = collapsedLines(result).map(line => line.replace(/^.*_compile;\(anonymous\);/, '… '));
    expect(lines.filter(line => line.startsWith('…')).map(line => line.replace(/(;fib)*\s\d+$/, ''))).toEqual([
      '… fib',
      '… sorted',
      '… sorted;(anonymous)',
    ]);
    expect(locationTexts(result)).toContain('fib: interpreted, /home/app/small.js:1');
    expect(locationTexts(result)).toContain('sorted: interpreted, /home/app/small.js:4');
    expect(result.timeline?.length).toBe(result.samples.values[0]!.reduce((sum, count) => sum + count));
    expect(result.durationMs).toBeCloseTo(171.699, 3);
  });

  test('samples last until the next one', async () => {
    const result = await read(JSON.stringify(small));
    expect(collapsedLines(result, 0)).toEqual(['(idle) 1', 'main 1', 'main;(anonymous) 2']);
    expect(collapsedLines(result, 1)).toEqual(['(idle) 500000', 'main 1000000', 'main;(anonymous) 2000000']);
    expect(locationTexts(result)).toEqual([
      'main: interpreted, /srv/a b.js:1',
      '(anonymous): interpreted, node:internal/fs:10',
      '(idle): native',
    ]);
    expect([...result.timeline!.time]).toEqual([0.5, 1.5, 2.5, 3]);
    expect([...result.timeline!.sample]).toEqual([0, 1, 2, 0]);
    expect(result.durationMs).toBe(4);
  });

  test('samples out of order', async () => {
    const result = await read(JSON.stringify({ ...small, timeDeltas: [500, 1500, -1000, 2000] }));
    // At 500, 2000, 1000 and 3000 µs.
    expect(collapsedLines(result)).toEqual(['(idle) 1000000', 'main 1000000', 'main;(anonymous) 1500000']);
    expect([...result.timeline!.time]).toEqual([0.5, 1, 2, 3]);
  });

  test('without samples, the hits of nodes', async () => {
    const result = await read(JSON.stringify({ ...small, samples: undefined, timeDeltas: undefined }));
    expect(result.sampleTypes).toEqual([{ type: 'samples', unit: 'count' }]);
    expect(collapsedLines(result)).toEqual(['main 1', 'main;(anonymous) 2']);
  });

  test('written with indentation', async () => {
    expect(collapsedLines(await read(JSON.stringify(small, undefined, 2)), 0)).toHaveLength(3);
  });

  test.each([
    ['it refers to a node that it does not hold.', { ...small, samples: [9] }],
    [
      'its nodes call each other in a circle.',
      { ...small, nodes: small.nodes.map(n => (n.id === 3 ? { ...n, children: [2] } : n)) },
    ],
    ['it holds a node that is none.', { ...small, nodes: [...small.nodes, 5] }],
  ])('%s', async (expected, json) => expect(await refusal(JSON.stringify(json))).toContain(expected));
});

describe('Chrome traces', () => {
  const event = (name: string, data: object, tid = 7) => ({
    ph: 'P',
    name,
    id: `0x${tid}`,
    pid: 5,
    tid,
    args: { data },
  });
  const profile = (tid: number) => [
    event('Profile', { startTime: 1000 * tid }, tid),
    event(
      'ProfileChunk',
      {
        cpuProfile: {
          nodes: [
            { id: 1, callFrame: frame('(root)') },
            { id: 2, parent: 1, callFrame: frame('f', 'https://x/a.js', 4) },
          ],
          samples: [2, 1],
        },
        timeDeltas: [100, 200],
      },
      tid,
    ),
    event(
      'ProfileChunk',
      {
        cpuProfile: { nodes: [{ id: 3, parent: 2, callFrame: frame('g', 'https://x/a.js', 8) }], samples: [3, 2] },
        timeDeltas: [300, 400],
        endTime: 1000 * tid + 1500,
      },
      tid,
    ),
  ];

  test('of Chromium', async () => {
    const result = await read(fixture('chrome-trace.json'));
    const lines = collapsedLines(result, 0);
    expect(lines.find(line => line.includes(';work;fib;fib'))).toBeDefined();
    expect(lines.some(line => /^\(program\) \d+$/.test(line))).toBe(true);
    expect(result.timeline?.length).toBe(621);
  });

  test.each([
    ['an object', { traceEvents: profile(7), metadata: {} }],
    ['a list', profile(7)],
  ])('%s', async (_, json) => {
    const result = await read(JSON.stringify(json));
    expect(collapsedLines(result)).toEqual([' 300000', 'f 700000', 'f;g 400000']);
    expect(locationTexts(result)).toEqual(['f: interpreted, https://x/a.js:5', 'g: interpreted, https://x/a.js:9']);
    expect([...result.timeline!.time]).toEqual([0.1, 0.3, 0.6, 1].map(time => expect.closeTo(time, 9)));
    expect(labelTexts(result)).toEqual(['']);
  });

  test('a list that does not end', async () => {
    const whole = JSON.stringify(profile(7));
    expect(collapsedLines(await read(`${whole.slice(0, -1)},\n`))).toHaveLength(3);
  });

  test('a whole profile in one event', async () => {
    const result = await read(JSON.stringify([event('CpuProfile', { cpuProfile: small })]));
    expect(collapsedLines(result, 1)).toEqual(['(idle) 500000', 'main 1000000', 'main;(anonymous) 2000000']);
  });

  test('several threads are told apart', async () => {
    const name = { ph: 'M', name: 'thread_name', pid: 5, tid: 8, args: { name: 'Worker' } };
    const result = await read(JSON.stringify([...profile(7), ...profile(8), name]));
    expect(labelTexts(result)).toEqual(['thread=thread 7 pid=5 tid=7', 'thread=Worker pid=5 tid=8']);
    expect(result.timeline!.time.at(-1)).toBeCloseTo(2, 9);
  });

  test('without samples', async () => {
    expect(await refusal('{"traceEvents":[{"ph":"X","name":"a"}]}')).toContain('disabled-by-default-v8.cpu_profiler');
  });
});
