import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { summary } from '../../src/cli/summary.ts';
import { formatByName } from '../../src/encode/index.ts';
import { type ProfileOptions, profile } from '../support/profile.ts';

function lines(
  text: string,
  options: ProfileOptions = {},
  outputs: readonly string[] = [],
  notes: readonly string[] = [],
): string[] {
  const written = outputs.map(output => {
    const [name = '', path = ''] = output.split(' ');
    return { path, format: formatByName(name) };
  });
  const said = summary({ profile: profile(text, options), event: 'cpu-clock', hz: 99, rung: 'bpf', written, notes });
  return said.map(stripVTControlCharacters);
}

test('samples, event, rate and time', () =>
  expect(lines('a;f 3\nb;g 40', { durationMs: 2549 })).toEqual(['43 samples of cpu-clock at 99 Hz in 2.5 s, 0 lost']));

test('nothing sampled', () =>
  expect(lines('', { durationMs: 0 })).toEqual([
    '0 samples of cpu-clock at 99 Hz in 0.0 s, 0 lost',
    'Nothing was sampled: the targets used no CPU, or were filtered away.',
  ]));

test('samples that were lost are counted together, and every loss is told by its cause', () => {
  const losses = {
    'samples lost (ring buffer full)': 7,
    'samples lost (no scratch record)': 2,
    'samples without user stack (unreadable)': 5,
    'process events lost (sideband buffer full)': 0,
  };
  expect(lines('a;f 1', { losses })).toEqual([
    '1 samples of cpu-clock at 99 Hz in 2.5 s, 9 lost',
    'samples lost (ring buffer full): 7',
    'samples lost (no scratch record): 2',
    'samples without user stack (unreadable): 5',
  ]);
});

test('frames without a name, by reason', () =>
  expect(lines('a;f;g;?jit_[j] 10\na;f;?noSymbols 5\na;f;g;h;i;j;k 7\na;?jit_[j] 1')).toEqual([
    '23 samples of cpu-clock at 99 Hz in 2.5 s, 0 lost',
    'frames without a name: 19.3 % (13.3 % generated code, 6.0 % no symbols in the file)',
  ]));

test('debug files that were not used, some of them', () => {
  const notes = Array.from({ length: 7 }, (_, i) => `/usr/lib/debug/${i}: it has another build id`);
  const said = lines('a;f 1', {}, [], notes).slice(1);
  expect(said).toHaveLength(6);
  expect(said[0]).toBe('debug files: /usr/lib/debug/0: it has another build id');
  expect(said[5]).toBe('debug files: 2 more were not used');
});

test('what was written, and how to look at it', () =>
  expect(lines('a;f 1', {}, ['svg flame.svg', 'pprof cpu.pb.gz', 'collapsed -', 'collapsed a.txt']).slice(1)).toEqual([
    'wrote flame.svg: open it in a browser: xdg-open flame.svg',
    'wrote cpu.pb.gz: look at it with: go tool pprof -top cpu.pb.gz',
    'wrote a.txt: for flamegraph.pl, inferno or speedscope',
  ]));
