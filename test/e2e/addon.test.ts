import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { loadAddon, loadBpfObject } from '../../src/capture/addon.ts';
import { findEvent } from '../../src/capture/events/index.ts';
import { Config, Stacks, sizeOf } from '../../src/capture/records.gen.ts';
import { onlineCpus, Session } from '../../src/capture/session.ts';
import { needsBpf, obstacle, sleep, startProfiler, stopAll } from '../support/profiler.ts';

const CPU1 = '/sys/devices/system/cpu/cpu1/online';

/** Our open BPF and perf descriptors. */
function kernelObjects(): string[] {
  return readdirSync('/proc/self/fd')
    .map(fd => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return '';
      }
    })
    .filter(target => /bpf|perf_event/.test(target));
}

/** Our programs, in the whole kernel; it frees them a moment after their last descriptor. */
function loadedPrograms(): number {
  return readFileSync('/proc/kallsyms', 'utf8').match(/bpf_prog_\w+_process_fork\t\[bpf\]/g)?.length ?? 0;
}

async function untilGone(count: number): Promise<number> {
  for (let tries = 0; tries < 40 && loadedPrograms() > count; tries++) await sleep(50);
  return loadedPrograms();
}

const OPTIONS = { hz: 99, kernelStacks: true, userStacks: true, unwind: 'auto' } as const;

function open(): Session {
  const targets = { pids: [process.pid], tids: [], inherit: true };
  const session = new Session({ event: findEvent('cpu-clock'), targets, ...OPTIONS });
  session.start();
  return session;
}

describe.skipIf(obstacle)(needsBpf('the addon leaves nothing behind'), () => {
  const programs = obstacle ? 0 : loadedPrograms();
  afterAll(stopAll);

  test('after close(), twenty times', async () => {
    for (let i = 0; i < 20; i++) open().close();
    expect(kernelObjects()).toEqual([]);
    expect(await untilGone(programs)).toBe(programs);
  });

  test('after an exception in the middle of opening', async () => {
    const targets = { pids: [], tids: [], inherit: true };
    const event = { ...findEvent('cpu-clock'), config: 9999 };
    expect(() => new Session({ event, targets, ...OPTIONS }).start()).toThrow('this machine cannot sample "cpu-clock"');
    expect(kernelObjects()).toEqual([]);
    expect(await untilGone(programs)).toBe(programs);
  });

  test('after SIGKILL', async () => {
    const { child, ended } = startProfiler(['record', '-a', '-o', '/dev/null', '--format', 'svg']);
    for (let tries = 0; tries < 100 && loadedPrograms() === programs; tries++) await sleep(50);
    expect(loadedPrograms()).toBe(programs + 1);
    child.kill('SIGKILL');
    await ended;
    expect(await untilGone(programs)).toBe(programs);
  });

  test('when it is forgotten instead of closed', async () => {
    const script = `
      const { createRequire } = require('module');
      const { readFileSync, readdirSync, readlinkSync } = require('fs');
      const addon = require('./build/profiler.node');
      const open = () => new addon.BpfObject(readFileSync('build/profiler.bpf.o'), new Uint8Array(${sizeOf.Config}), 'samples', 1 << 20, ['sample'], false);
      const left = () => readdirSync('/proc/self/fd').filter(fd => { try { return /bpf/.test(readlinkSync('/proc/self/fd/' + fd)); } catch { return false; } }).length;
      for (let i = 0; i < 3; i++) open();
      setTimeout(() => { gc(); setTimeout(() => console.log(left()), 50); }, 50);`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', '-e', script], { encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: '0\n', stderr: '' });
  });
});

describe.skipIf(obstacle)(needsBpf('a session wakes its owner'), () => {
  const openFor = (pids: readonly number[]) => {
    const targets = { pids, tids: [], inherit: false };
    return new Session({ event: findEvent('cpu-clock'), targets, ...OPTIONS });
  };
  const untilWoken = (session: Session) =>
    Promise.race([new Promise(resolve => session.onceWoken(() => resolve('woken'))), sleep(1000)]);

  test('once after an exec, again when asked again, and no more after close()', async () => {
    const session = openFor([]);
    let count = 0;
    session.onceWoken(() => count++);
    for (let i = 0; i < 3; i++) spawnSync('true');
    await sleep(50);
    expect(count).toBe(1);
    const woken = untilWoken(session);
    spawnSync('true');
    expect(await woken).toBe('woken');
    session.onceWoken(() => count++);
    session.close();
    spawnSync('true');
    await sleep(50);
    expect(count).toBe(1);
    expect(kernelObjects()).toEqual([]);
  });

  test('not after the exec of a stranger', async () => {
    const shell = spawn('sh', ['-c', 'read line; exec sleep 100'], { stdio: ['pipe', 'ignore', 'ignore'] });
    const session = openFor([shell.pid!]);
    try {
      let count = 0;
      session.onceWoken(() => count++);
      spawnSync('true');
      await sleep(50);
      expect(count).toBe(0);
      shell.stdin.write('go\n');
      expect(await untilWoken(session)).toBe('woken');
    } finally {
      session.close();
      shell.kill();
    }
  });
});

describe.skipIf(obstacle)(needsBpf('the addon refuses'), () => {
  const { BpfObject, PerfEvent } = obstacle ? ({} as ReturnType<typeof loadAddon>) : loadAddon();
  const caught = (run: () => unknown) => {
    try {
      run();
    } catch (error) {
      return error as Error & { errno?: number; step?: string; log?: string };
    }
    throw new Error('nothing was thrown');
  };

  test('arguments of other types', () => {
    expect(() => new BpfObject('x' as never, new Uint8Array(), 'samples', 4096, [], false)).toThrow(
      'expected a Uint8Array',
    );
    expect(() => new PerfEvent(new Float64Array(9) as never, 0, 0, 0)).toThrow('expected a Uint8Array');
  });

  test('bytes that are no BPF object, with errno, step and what libbpf said', () => {
    const error = caught(() => new BpfObject(Buffer.from('not ELF'), new Uint8Array(), 'samples', 4096, [], false));
    expect(error.step).toBe('bpf_object__open');
    expect(error.errno).toBeGreaterThan(0);
    expect(error.log).toContain('libbpf');
  });

  test('a program that the verifier refuses, with its last lines', () => {
    const config = new Uint8Array(sizeOf.Config);
    // A program whose first instruction is not one.
    const broken = Buffer.from(loadBpfObject());
    const call = Buffer.from([0x85, 0, 0, 0, 14, 0, 0, 0]); // bpf_get_current_pid_tgid
    expect(broken.includes(call)).toBe(true);
    for (let at = broken.indexOf(call); at >= 0; at = broken.indexOf(call)) broken[at] = 0xff;
    const refused = caught(() => new BpfObject(broken, config, 'samples', 1 << 20, ['sample'], false));
    expect(refused.step).toBe('bpf_object__load');
    expect(refused.log).toMatch(/unknown opcode|processed \d+ insns/);
  });

  test('programs that take the verifier long: at most a tenth of its limit of a million instructions', () => {
    const config = new Uint8Array(sizeOf.Config);
    const view = new DataView(config.buffer);
    view.setUint32(Config.stacks, Stacks.PROFILER_STACK_KERNEL | Stacks.PROFILER_STACK_USER, true);
    const object = new BpfObject(loadBpfObject(), config, 'samples', 1 << 20, ['sample'], false);
    const verified = readdirSync('/proc/self/fdinfo').flatMap(fd => {
      try {
        return (
          /^verified_insns:\s*(\d+)/m
            .exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))
            ?.slice(1)
            .map(Number) ?? []
        );
      } catch {
        return []; // it was the folder's own
      }
    });
    object.close();
    expect(verified).toHaveLength(1);
    expect(verified[0]).toBeGreaterThan(5000); // the walk is in it
    expect(verified[0]).toBeLessThan(100_000);
  });

  test('nothing that an older kernel asks for: maps that are allocated as a whole', () => {
    new BpfObject(loadBpfObject(), new Uint8Array(sizeOf.Config), 'samples', 1 << 20, ['sample'], true).close();
  });

  test('every method after close()', () => {
    const object = new BpfObject(loadBpfObject(), new Uint8Array(sizeOf.Config), 'samples', 1 << 20, ['sample'], false);
    object.close();
    object.close();
    expect(object.drain(new Uint8Array(64))).toBe(0);
    expect(() => object.once('wakes', () => {})).toThrow('find map wakes');
    expect(() => object.attach('process_fork')).toThrow('find program process_fork');
    expect(() => object.update('targets', new Uint8Array(4), new Uint8Array(4), 0)).toThrow('find map targets');
    expect(() => object.counters('counters', new Float64Array(1))).toThrow('find map counters');
  });
});

const canOffline = obstacle === '' && spawnSync('sh', ['-c', `test -w ${CPU1}`]).status === 0;

describe.skipIf(!canOffline)('CPUs that go and come (needs BPF and a writable cpu1/online)', () => {
  test('are closed and sampled again', () => {
    const session = open();
    try {
      const all = onlineCpus();
      expect(session.cpus).toEqual(all);
      writeFileSync(CPU1, '0');
      session.followCpus();
      expect(session.cpus).toEqual(all.filter(cpu => cpu !== 1));
      writeFileSync(CPU1, '1');
      session.followCpus();
      expect(session.cpus.sort()).toEqual(all);
    } finally {
      writeFileSync(CPU1, '1');
      session.close();
    }
  });
});
