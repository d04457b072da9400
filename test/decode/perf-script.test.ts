import { describe, expect, test } from 'vitest';
import { collapsedLines, fixture, labelTexts, locationTexts, read, refusal, text } from './inputs.ts';

describe('stacks are those of stackcollapse-perf.pl', () => {
  test.each(['perf-dwarf', 'perf-node', 'perf-two-events'])('%s', async name => {
    const expected = fixture(`${name}.collapsed`).toString().trimEnd().split('\n').sort();
    const input = fixture(`${name}.txt`);
    for (const size of [input.length, 997, 1]) expect(collapsedLines(await read(input, size))).toEqual(expected);
  });

  test.each([
    ['symbol offsets', 'f+0x12 (/bin/a)', 'f'],
    ['parameters', 'ns::f(int, char const*)+0x1 (/bin/a)', 'ns::f'],
    ['an anonymous namespace', 'ns::(anonymous namespace)::f(int) (/bin/a)', 'ns::(anonymous namespace)::f'],
    ['names that begin with a bracket', '(anonymous namespace)::f() (/bin/a)', ''],
    ["Go's receivers", 'net/http.(*Client).Do (/bin/a)', 'net/http.(*Client).Do'],
    ['semicolons and quotes', 'a;b"c\'d (/bin/a)', 'a:bcd'],
    ['no symbol', '[unknown] (/usr/lib/libx.so.1)', '[libx.so.1]'],
    ['no symbol and no file', '[unknown] ([unknown])', '[unknown]'],
    ['an empty symbol', ' (/bin/a)', ' '],
    ['files that were deleted', 'f+0x12 (/bin/a (deleted))', 'f+0x12 '],
    ['lines that are cut off', 'f (/usr/lib/x86_64', ''],
    ['inlined calls', 'f (inlined)', 'f'],
    ['generated code', 'LazyCompile:~f /srv/x.js:1 (/tmp/perf-12.map)', 'LazyCompile:~f /srv/x.js:1'],
    ['arrows of inlined Java methods', 'La/B;::outer->La/B;::inner (/tmp/perf-1.map)', 'La/B:::outer;La/B:::inner_[i]'],
  ])('%s', async (_, frame, expected) => {
    const [stack] = collapsedLines(await read(`app 1 [000] 1.000000: cycles: \n\t 12ab ${frame}\n\n`));
    expect(stack).toBe(expected === '' ? 'app 1' : `app;${expected} 1`);
  });

  test("Java's class names, in processes of Java", async () => {
    const frame = '12ab Ljava/io/PrintStream;.println(Ljava/lang/String;)V (/tmp/perf-7.map)';
    const samples = ['java', 'other'].map(comm => `${comm} 7 1.000000: cycles: \n\t${frame}\n\n`);
    const expected = ['java;java/io/PrintStream:.println 1', 'other;Ljava/io/PrintStream:.println 1'];
    expect(collapsedLines(await read(samples.join('')))).toEqual(expected);
  });
});

test('kinds, modules and sources of frames', async () => {
  const result = await read(text`
    |app 1 1.000000: cycles:
    |	ffffffff81 do_syscall_64+0x5 ([kernel.kallsyms])
    |	ffffffffc0 nf_hook ([nf_tables])
    |	ffffffffc1 virtio_poll (/lib/modules/6.1.0/kernel/drivers/virtio.ko.xz)
    |	7ffd01 __vdso_clock_gettime ([vdso])
    |	401020 read@plt (/bin/a)
    |	401030 f (inlined)
    |	7f0001 JS:*g (/tmp/perf-9.map)
    |	401040 main (/bin/a)
    |	7ffe00 [unknown] ([heap])
    |
    |`);
  expect(locationTexts(result)).toEqual([
    'do_syscall_64: kernel, [kernel.kallsyms]',
    'nf_hook: kernel, [nf_tables]',
    'virtio_poll: kernel, /lib/modules/6.1.0/kernel/drivers/virtio.ko.xz',
    '__vdso_clock_gettime: vdso, [vdso]',
    'read@plt: plt, /bin/a',
    'f: inlined, inlined',
    'JS:*g: jit, /tmp/perf-9.map',
    'main: native, /bin/a',
    '[[heap]]: native, [heap]',
  ]);
});

test('-F +srcline', async () => {
  const result = await read(fixture('perf-srcline.txt'));
  const texts = locationTexts(result);
  expect(texts).toContain('indexer::sort<unsigned long>: native, demo.cc:63, /home/app/demo');
  expect(texts.filter(line => line.includes(': kernel') && line.includes('['))).not.toEqual([]);
  expect(result.losses).toEqual({});
  const without = fixture('perf-srcline.txt')
    .toString()
    .replace(/^ {2}\S.*\n/gm, '');
  expect(collapsedLines(await read(without))).toEqual(collapsedLines(result));
});

describe('who was sampled, by the fields that perf was asked for', () => {
  test.each([
    ['app 12 [003] 1.000000: 5 cycles:', 'comm=app tid=12 cpu=3'],
    ['app 12 1.000000: cycles:', 'comm=app tid=12'],
    ['V8 WorkerThread 24/25 [000] 94564.109216: 100 cycles:u:', 'comm=V8_WorkerThread pid=24 tid=25 cpu=0'],
    ['kworker/0:1 7/7 94564.109216: 100 cycles:', 'comm=kworker/0:1 pid=7 tid=7'],
    [':-1    -1 [111] 150135.364248: 372482 cycles:P:', 'comm=:-1 tid=-1 cpu=111'],
    [':-1    -1/-1 [111] 150135.364248: 372482 cycles:P:', 'comm=:-1 pid=-1 tid=-1 cpu=111'],
    ['app 12 cycles:', 'comm=app tid=12'],
    ['12/13 94564.109216: cycles:', 'pid=12 tid=13'],
    ['94564.109216: cycles:', ''],
  ])('%s', async (line, expected) => {
    expect(labelTexts(await read(`${line}\n\t12ab f (/bin/a)\n\n`))).toEqual([expected]);
  });

  test('frames alone', async () => {
    const result = await read('\t12ab f (/bin/a)\n\t12ac g (/bin/a)\n\n\t12ac g (/bin/a)\n\n');
    expect(collapsedLines(result)).toEqual(['g 1', 'g;f 1']);
  });

  test('frames without files, without symbols, and not indented', async () => {
    const frames = ['\t12ab f+0x1\n\t12ac g(int)\n', '\t 12ab\n', 'ffffffff8103d0ca h ([kernel.kallsyms])\n'];
    const result = await read(frames.map(frame => `app 1 1.000000: cycles: \n${frame}\n`).join(''));
    expect(collapsedLines(result)).toEqual(['app;0x12ab 1', 'app;g;f 1', 'app;h 1']);
  });

  test('samples without callers, a line each', async () => {
    const result = await read(fixture('perf-no-callers.txt'));
    expect(collapsedLines(result, 0)).toHaveLength(6);
    expect(collapsedLines(result)).toContain('demo;indexer::hash 10101010');
  });

  test.each([
    ['no frames at all', 'cycles: '],
    ['tracepoints without callers', 'sched:sched_switch: prev_comm=app ==> next_comm=x'],
  ])('%s', async (_, event) => {
    const line = (comm: string, i: number) => `${comm.padStart(16)}     1 [000] 1.00000${i}: ${event}\n`;
    const result = await read(line('app', 1) + line('app', 2) + line('dd', 3) + line('app', 4).trimStart());
    expect(collapsedLines(result)).toEqual(['app 3', 'dd 1']);
    expect(result.losses).toEqual({});
  });
});

test('values and times', async () => {
  const sample = (time: string, period: number, name: string) => {
    return `app 1 [000] ${time}: ${period} task-clock:u: \n\t12ab ${name} (/bin/a)\n\n`;
  };
  const header = '# ========\n# cmdline : /usr/bin/perf record -g app\n# ========\n#\n';
  const result = await read(
    `${header}${sample('25503.020407', 300, 'f')}${sample('25504.5', 200, 'g')}${sample('25503.120407', 50, 'f')}`,
  );
  expect(result.sampleTypes).toEqual([
    { type: 'samples', unit: 'count' },
    { type: 'cpu', unit: 'nanoseconds' },
  ]);
  expect(collapsedLines(result, 0)).toEqual(['app;f 2', 'app;g 1']);
  expect(collapsedLines(result)).toEqual(['app;f 350', 'app;g 200']);
  expect([...result.timeline!.sample]).toEqual([0, 0, 1]);
  expect([...result.timeline!.time].map(time => Math.round(time * 1e3) / 1e3)).toEqual([0, 100, 1479.593]);
  expect(result.durationMs).toBeCloseTo(1479.593, 3);
  expect(result.comments).toEqual(['/usr/bin/perf record -g app']);
});

test('of several events the first is read, and the others are told', async () => {
  const samples = ['cycles', 'instructions', 'cycles', 'cache-misses'].map(
    (event, i) => `app 1 1.00000${i}: ${i + 1} ${event}: \n\t12ab ${event} (/bin/a)\n\n`,
  );
  const result = await read(samples.join(''));
  expect(collapsedLines(result)).toEqual(['app;cycles 4']);
  expect(result.losses).toEqual({ 'samples of other events (instructions, cache-misses)': 2 });
  expect(result.sampleTypes.at(-1)).toEqual({ type: 'cycles', unit: 'count' });
});

test('tracepoints, whose lines end with a text', async () => {
  const result = await read(text`
    |app 1 [000] 1.000000: sched:sched_switch: prev_comm=app prev_pid=1 ==> next_comm=x
    |	ffffffff81 schedule+0x5 ([kernel.kallsyms])
    |	401040 main (/bin/a)
    |
    |`);
  expect(collapsedLines(result)).toEqual(['app;main;schedule 1']);
});

test('what perf tells between samples', async () => {
  const record = 'app 1 1.000000: PERF_RECORD_MMAP2 1/1: [0x1000(0x1000) @ 0 08:01 1 0]: r-xp /bin/a\n';
  const result = await read(`${record}app 1 1.000001: cycles: \n\t12ab f (/bin/a)\n\n${record}`);
  expect(collapsedLines(result)).toEqual(['app;f 1']);
});

test('what is cut off at the end is not counted, and told', async () => {
  const whole = 'app 1 1.000000: cycles: \n\t12ab f (/bin/a)\n\n';
  const result = await read(`${whole}app 1 1.000001: cycles: \n\t12ab g (/bin/a)\n`);
  expect(collapsedLines(result)).toEqual(['app;f 1']);
  expect(result.losses).toEqual({ 'samples cut off at the end of the input': 1 });
});

test('a header without samples is refused', async () => {
  expect(await refusal('# ========\n# captured on : x\n')).toMatch(
    /cannot read IN: as perf script, it holds no samples/,
  );
});
