import { describe, expect, test } from 'vitest';
import { Miss, unknownName } from '../../src/model/profile.ts';
import { frameStatistics } from '../../src/model/statistics.ts';
import { everything, profile } from '../support/profile.ts';

describe('the name of what has none', () => {
  test.each([
    ['?unmapped', '[unknown: unmapped]'],
    ['?unreadableFile [/lib/libfoo.so]', '[unknown: libfoo.so+0x1000]'],
    ['?unreadableFile [/lib/gone.so (deleted)]', '[unknown: gone.so (deleted)+0x1000]'],
    ['?noSymbols [libbar.so]', '[unknown: libbar.so+0x1000]'],
    ['?unknownAddress [/a/b/]', '[unknown: +0x1000]'],
    ['?unknownAddress_[k]', '[unknown: [kernel.kallsyms]+0xffffffff81000000]'],
    ['?jit_[j]', '[unknown: jit]'],
    ['?kernelHidden_[k]', '[unknown: kernel]'],
    ['?processGone', '[unknown: no mappings]'],
  ])('%s', (frame, name) => expect(unknownName(profile(`app;${frame} 1`), 0)).toBe(name));

  test('without a mapping: the address', () => {
    const { locations, ...rest } = profile('app;?unmapped 1');
    const at = (address: number) =>
      unknownName(
        {
          ...rest,
          locations: { ...locations, address: Float64Array.of(address), miss: Uint8Array.of(Miss.noSymbols) },
        },
        0,
      );
    expect([0, 0x7fff12345678, -1, -(2 ** 47)].map(at)).toEqual([
      '[unknown: 0x0]',
      '[unknown: 0x7fff12345678]',
      '[unknown: 0xffffffffffffffff]',
      '[unknown: 0xffff800000000000]',
    ]);
  });

  test('every reason has one', () => {
    for (const [name, miss] of Object.entries(Miss)) {
      if (miss === Miss.none) continue;
      expect(unknownName(profile(`app;?${name} [/x] 1`), 0)).toMatch(/^\[unknown: .+\]$/);
    }
  });
});

describe('frame statistics', () => {
  test('each frame as often as it was sampled', () =>
    expect(frameStatistics(profile(everything))).toMatchObject({
      frames: 3 * 3 + 2 * 2 + 4 * 4 + 1 * 2 + 5 * 3 + 6 + 7 * 3,
      unnamed: { length: 4 },
    }));

  test('reasons by frequency', () =>
    expect(frameStatistics(profile('a;?jit_[j];?unmapped 2\na;?unmapped;f 3\na;?noSymbols 1')).unnamed).toEqual([
      { reason: 'not in any mapping', frames: 5 },
      { reason: 'generated code', frames: 2 },
      { reason: 'no symbols in the file', frames: 1 },
    ]));

  test('a caller counts for all that it calls, also for a sample that ends in it', () =>
    expect(frameStatistics(profile('a;?noSymbols;x 2\na;?noSymbols;y 3\na;?noSymbols 5\na;x 1'))).toEqual({
      frames: 16,
      unnamed: [{ reason: 'no symbols in the file', frames: 10 }],
    }));

  test.each([
    ['unmapped', 'not in any mapping'],
    ['unreadableFile', 'file gone or replaced'],
    ['noSymbols', 'no symbols in the file'],
    ['unknownAddress', 'no symbol at the address'],
    ['jit', 'generated code'],
    ['kernelHidden', 'kernel symbols hidden'],
    ['processGone', 'mappings not readable'],
  ])('%s: %s', (miss, reason) =>
    expect(frameStatistics(profile(`a;?${miss} 4`)).unnamed).toEqual([{ reason, frames: 4 }]),
  );

  test('no samples', () => expect(frameStatistics(profile(''))).toEqual({ frames: 0, unnamed: [] }));

  test('samples without frames', () => expect(frameStatistics(profile('a 9'))).toEqual({ frames: 0, unnamed: [] }));
});
