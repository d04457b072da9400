import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bufferedSamplingAttributes, samplingAttributes, sidebandAttributes } from '../../src/capture/perf-attr.ts';

/** struct perf_event_attr as `man perf_event_open` has it, and its flags in the order of their bits from byte 40 on. */
const FLAGS = `disabled inherit pinned exclusive exclude_user exclude_kernel exclude_hv exclude_idle mmap comm freq
inherit_stat enable_on_exec task watermark precise_ip precise_ip mmap_data sample_id_all exclude_host exclude_guest
exclude_callchain_kernel exclude_callchain_user mmap2 comm_exec use_clockid context_switch write_backward namespaces
ksymbol bpf_event aux_output cgroup text_poke build_id inherit_thread remove_on_exec sigtrap`.split(/\s+/);

function decode(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const bits = view.getBigUint64(40, true);
  return {
    type: view.getUint32(0, true),
    size: view.getUint32(4, true),
    config: view.getBigUint64(8, true),
    rate: view.getBigUint64(16, true),
    sampleType: view.getBigUint64(24, true),
    flags: FLAGS.filter((_, bit) => (bits >> BigInt(bit)) & 1n).join(' '),
    clock: view.getInt32(92, true),
    rest: bytes.filter((byte, i) => byte !== 0 && (i >= 96 || (i >= 48 && i < 92) || (i >= 32 && i < 40))).length,
  };
}

const none = { sampleType: 0n, clock: 0, rest: 0, size: 128 };
const both = { excludeUser: false, excludeKernel: false };

describe('sampling', () => {
  test('a hardware event by frequency', () =>
    expect(decode(samplingAttributes({ type: 0, config: 0, hz: 99, ...both }))).toEqual({
      ...none,
      type: 0,
      config: 0n,
      rate: 99n,
      flags: 'disabled freq',
    }));

  test('a kernel event spares idle CPUs', () =>
    expect(decode(samplingAttributes({ type: 1, config: 1, hz: 4999, ...both }))).toEqual({
      ...none,
      type: 1,
      config: 1n,
      rate: 4999n,
      flags: 'disabled exclude_idle freq',
    }));

  test('a config and a rate of more than 32 bits', () =>
    expect(decode(samplingAttributes({ type: 4, config: 2 ** 52 - 1, hz: 2 ** 40 + 3, ...both }))).toEqual({
      ...none,
      type: 4,
      config: 2n ** 52n - 1n,
      rate: 2n ** 40n + 3n,
      flags: 'disabled freq',
    }));

  test.each([
    [{ excludeUser: true, excludeKernel: false }, 'disabled exclude_user freq'],
    [{ excludeUser: false, excludeKernel: true }, 'disabled exclude_kernel freq'],
  ])('%j', (exclude, flags) =>
    expect(decode(samplingAttributes({ type: 0, config: 0, hz: 1, ...exclude })).flags).toBe(flags),
  );
});

describe('sampling into a buffer', () => {
  const event = { type: 1, config: 0, hz: 99, ...both };
  const buffered = (options: Partial<Parameters<typeof bufferedSamplingAttributes>[1]>) =>
    bufferedSamplingAttributes(event, {
      inherit: 'none',
      kernelStacks: false,
      userStacks: 'none',
      stackBytes: 16_384,
      ...options,
    });
  /** enum perf_event_sample_format */
  const [TID, TIME, CALLCHAIN, CPU, PERIOD, REGS_USER, STACK_USER] = [2, 4, 32, 128, 256, 4096, 8192] as const;
  const always = BigInt(TID | TIME | CPU | PERIOD);

  test.each([
    [{ userStacks: 'copy' }, REGS_USER | STACK_USER, 'exclude_callchain_kernel exclude_callchain_user'],
    [{ userStacks: 'copy', kernelStacks: true }, REGS_USER | STACK_USER | CALLCHAIN, 'exclude_callchain_user'],
    [{ userStacks: 'frame-pointers' }, CALLCHAIN, 'exclude_callchain_kernel'],
    [{ userStacks: 'frame-pointers', kernelStacks: true }, CALLCHAIN, ''],
    [{ kernelStacks: true }, CALLCHAIN, 'exclude_callchain_user'],
  ] as const)('%j', (options, type, flags) => {
    const { sampleType, flags: all, clock } = decode(buffered(options));
    expect(sampleType).toBe(always | BigInt(type));
    expect(all).toBe(['disabled exclude_idle freq', flags, 'use_clockid'].filter(Boolean).join(' '));
    expect(clock).toBe(1);
  });

  test.each([
    ['children', 'disabled inherit exclude_idle freq'],
    ['threads', 'disabled inherit exclude_idle freq'],
    ['none', 'disabled exclude_idle freq'],
  ] as const)('inherited by %s', (inherit, start) => {
    const { flags } = decode(buffered({ inherit }));
    expect(flags.startsWith(start)).toBe(true);
    expect(flags.includes('inherit_thread')).toBe(inherit === 'threads');
  });

  test.runIf(process.arch === 'x64')('16 KiB of stack with rbp, rsp, rip and r10', () => {
    const bytes = buffered({ userStacks: 'copy' });
    const view = new DataView(bytes.buffer);
    // asm/perf_regs.h: PERF_REG_X86_BP is 6, SP 7, IP 8, R10 18.
    expect(view.getBigUint64(80, true)).toBe((1n << 6n) | (1n << 7n) | (1n << 8n) | (1n << 18n));
    expect(view.getUint32(88, true)).toBe(16384);
  });
});

describe('sideband', () => {
  const sideband = {
    ...none,
    type: 1,
    config: 9n, // PERF_COUNT_SW_DUMMY
    rate: 0n,
    sampleType: 4n, // PERF_SAMPLE_TIME
    flags: 'exclude_kernel mmap comm task sample_id_all mmap2 comm_exec use_clockid',
    clock: 1, // CLOCK_MONOTONIC
  };

  test('with inodes', () => expect(decode(sidebandAttributes({ buildIds: false }))).toEqual(sideband));

  test('with build ids', () =>
    expect(decode(sidebandAttributes({ buildIds: true }))).toEqual({
      ...sideband,
      flags: `${sideband.flags} build_id`,
    }));
});

test('the sideband of a task goes to its children', () => {
  const { flags } = decode(sidebandAttributes({ buildIds: false, inherit: 'children' }));
  expect(flags.split(' ')).toContain('inherit');
  expect(decode(sidebandAttributes({ buildIds: false, inherit: 'threads' })).flags).toContain('inherit_thread');
});

const HEADER = '/usr/include/linux/perf_event.h';
const header = (() => {
  try {
    return readFileSync(HEADER, 'utf8');
  } catch {
    return '';
  }
})();

test.skipIf(header === '')(`the flags above are those of ${HEADER} (skipped where it is not installed)`, () => {
  const struct = /struct perf_event_attr \{.*?\n\};/s.exec(header)?.[0] ?? '';
  const flags = [...struct.matchAll(/^\s+(?:__u64\s+)?(\w+)\s*:\s*(\d+),/gm)];
  const names = flags.flatMap(([, name = '', width]) => Array<string>(Number(width)).fill(name));
  const known = names.slice(0, FLAGS.length);
  expect(FLAGS.slice(0, known.length)).toEqual(known);
  expect(known.length).toBeGreaterThan(30);
});
