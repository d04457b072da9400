import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { guessKind } from '../src/decode/guess.ts';
import { FrameKind, Miss } from '../src/model/profile.ts';
import { type NamedCode, nameProfile } from '../src/naming.ts';
import { CodeTable } from '../src/process/code.ts';
import type { RawProfile } from '../src/window.ts';

/** One symbol of the kernel's text and one of each part besides, as they are shown now. */
function shown(): { readonly name: string; readonly module: string; readonly address: number }[] {
  const first = new Map<string, { name: string; module: string; address: number }>();
  for (const line of readFileSync('/proc/kallsyms', 'latin1').split('\n')) {
    const [, hex, name, module = ''] = /^([0-9a-f]+) [tT] (\S+)(?:\t\[(.*)\])?$/.exec(line) ?? [];
    if (hex === undefined || name === undefined || /^0+$/.test(hex) || first.has(module)) continue;
    first.set(module, { name, module, address: Number(BigInt.asIntN(64, BigInt(`0x${hex}`))) });
  }
  return [...first.values()];
}

function rawProfile(addresses: readonly number[]): RawProfile {
  const { length } = addresses;
  const columns = {
    length,
    mapping: new Int32Array(length),
    address: Float64Array.from(addresses),
    miss: new Uint8Array(length),
  };
  const none = { length: 0, stack: new Int32Array(0), labels: new Uint32Array(0) };
  return {
    addresses: columns,
    stacks: { length: 0, prefix: new Int32Array(0), location: new Uint32Array(0) },
    samples: { ...none, count: new Float64Array(0), weight: new Float64Array(0) },
    timeline: undefined,
    labelSets: [],
    ends: { end: new Uint8Array(0), frames: new Uint32Array(0), byFramePointer: new Uint32Array(0) },
    startTimeMs: 0,
    durationMs: 0,
  };
}

describe('the mappings of the kernel', () => {
  const symbols = shown();

  it.skipIf(symbols.length < 2)(
    '(needs CAP_SYSLOG and a module or BPF program) are its parts, as perf calls them',
    () => {
      const kernel: NamedCode = new CodeTable().kernel();
      const event = { value: 'time', counts: { type: 'cpu', unit: 'nanoseconds' } } as const;
      const sampling = { event, hz: 99, shortNames: false, inlines: true, lines: true, losses: {}, comments: [] };
      const raw = rawProfile(symbols.map(({ address }) => address));
      const { mappings, locations } = nameProfile(raw, [kernel], sampling);
      const parts = Array.from(locations.mapping, index => mappings[index]!.filename);
      const expected = symbols.map(({ module }) => `[${module.replace('__builtin__', '') || 'kernel.kallsyms'}]`);
      const named = [...locations.miss.keys()].filter(i => locations.miss[i] === Miss.none);
      // A BPF program may have gone in between.
      expect(named.length).toBeGreaterThan(1);
      for (const i of named) expect(parts[i]).toBe(expected[i]);
      for (const mapping of mappings) expect(guessKind(mapping, 'name')).toBe(FrameKind.kernel);
    },
  );

  it.skipIf(!existsSync('/sys/kernel/notes'))('have the build id of the running kernel', () => {
    const notes = readFileSync('/sys/kernel/notes').toString('hex');
    const { buildId } = new CodeTable().kernel();
    expect(buildId).toMatch(/^[0-9a-f]{40}$/);
    // namesz 4, descsz 20, type 3, "GNU".
    expect(notes).toContain(`040000001400000003000000474e5500${buildId}`);
  });
});
