import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { ByteSource } from '../../src/elf/bytes.ts';
import { CodeTable } from '../../src/process/code.ts';
import { openReferred, referTo, renewReferred } from '../../src/process/code-reference.ts';
import { JitFiles } from '../../src/process/jit-files.ts';
import type { Image } from '../../src/process/table.ts';
import { openBelow, testFolder } from '../support/folder.ts';
import { fileMapping, image, mapping } from '../support/mappings.ts';

const path = testFolder();
const isRoot = process.getuid?.() === 0;
const children = new Set<ChildProcess>();
const made = new Set<string>();
let opened: JitFiles | undefined;
let said: string[] = [];

afterEach(() => {
  opened?.close();
  opened = undefined;
  said = [];
  for (const file of made) rmSync(file, { recursive: true, force: true });
  for (const child of children) child.kill('SIGKILL');
  made.clear();
  children.clear();
});

/** Starts a process that waits. */
function sleeper(command = 'sleep', args: readonly string[] = ['60'], options: object = {}): number {
  const child = spawn(command, args, { stdio: 'ignore', ...options });
  children.add(child);
  return child.pid!;
}

function inTmp(name: string): string {
  const file = `/tmp/${name}`;
  made.add(file);
  return file;
}

function mapOf(pid: number, text = '1000 10 f\n'): string {
  const file = inTmp(`perf-${pid}.map`);
  writeFileSync(file, text);
  return file;
}

function filesOf(of: Image): JitFiles {
  opened = JitFiles.of(of, sentence => said.push(sentence))!;
  opened.look();
  return opened;
}

function text(file: { readonly bytes: ByteSource } | undefined): string | undefined {
  return file && Buffer.from(file.bytes.read(0, file.bytes.size)).toString();
}

const perfMap = (pid: number) => text(filesOf(image({ pid })).current.perfMap());

describe('the perf map of a process', () => {
  test('is found', () => {
    const pid = sleeper();
    mapOf(pid);
    expect(perfMap(pid)).toBe('1000 10 f\n');
    expect(said).toEqual([]);
  });

  test('may not be there, or come later', () => {
    const pid = sleeper();
    const files = filesOf(image({ pid }));
    expect(files.current.perfMap()).toBeUndefined();
    mapOf(pid);
    files.look();
    expect(text(files.current.perfMap())).toBe('1000 10 f\n');
  });

  test('stays open when the process and the file are gone', async () => {
    const child = spawn('sleep', ['60']);
    const file = mapOf(child.pid!);
    const files = filesOf(image({ pid: child.pid! }));
    child.kill('SIGKILL');
    await once(child, 'exit');
    rmSync(file);
    files.look();
    expect(text(files.current.perfMap())).toBe('1000 10 f\n');
  });

  test('is found when it is written by a process at its end', async () => {
    const child = spawn('sleep', ['60']);
    const files = filesOf(image({ pid: child.pid! }));
    child.kill('SIGKILL');
    await once(child, 'exit');
    mapOf(child.pid!);
    files.look();
    expect(text(files.current.perfMap())).toBe('1000 10 f\n');
  });

  test('is found by the parent when the process was gone before it was looked at', async () => {
    const child = spawn('true');
    await once(child, 'exit');
    mapOf(child.pid!);
    expect(text(filesOf(image({ pid: child.pid!, parentPid: process.pid })).current.perfMap())).toBe('1000 10 f\n');
  });

  test('is not that of the process that has its pid now', () => {
    const pid = sleeper();
    const files = filesOf(image({ pid }));
    const before = files.process.startTime;
    Object.assign(files.process, { startTime: '1' });
    mapOf(pid);
    files.look();
    expect(files.current.perfMap()).toBeUndefined();
    Object.assign(files.process, { startTime: before });
    files.look();
    expect(files.current.perfMap()).toBeDefined();
  });
});

describe('is not believed, and that is said once', () => {
  function refused(pid: number): string {
    const files = filesOf(image({ pid }));
    files.look();
    expect(files.current.perfMap()).toBeUndefined();
    expect(said).toHaveLength(1);
    return said[0]!.replaceAll(String(pid), 'PID');
  }

  test('a symbolic link', () => {
    const pid = sleeper();
    writeFileSync(path('elsewhere'), '1000 10 f\n');
    symlinkSync(path('elsewhere'), inTmp(`perf-${pid}.map`));
    expect(refused(pid)).toBe('Process PID: /tmp/perf-PID.map is not read: it is a symbolic link.');
  });

  test('a FIFO', () => {
    const pid = sleeper();
    execFileSync('mkfifo', [inTmp(`perf-${pid}.map`)]);
    expect(refused(pid)).toBe('Process PID: /tmp/perf-PID.map is not read: it is no regular file.');
  });

  test('a folder', () => {
    const pid = sleeper();
    mkdirSync(inTmp(`perf-${pid}.map`));
    expect(refused(pid)).toBe('Process PID: /tmp/perf-PID.map is not read: it is no regular file.');
  });

  test('a file from before the process', () => {
    const pid = sleeper();
    utimesSync(mapOf(pid), new Date(), new Date(Date.now() - 60_000));
    expect(refused(pid)).toBe('Process PID: /tmp/perf-PID.map is not read: it is older than the process.');
  });

  test.skipIf(!isRoot)('the file of another user (needs root)', () => {
    const pid = sleeper();
    chownSync(mapOf(pid), 1234, 0);
    expect(refused(pid)).toBe('Process PID: /tmp/perf-PID.map is not read: it belongs to another user.');
  });
});

describe.skipIf(!isRoot)('users and roots (needs root)', () => {
  /** linux/capability.h: CAP_SYS_PTRACE, without which /proc/PID/root of another user's process is closed. */
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const canTrace = ((BigInt(`0x${mask}`) >> 19n) & 1n) === 1n;

  test.skipIf(!canTrace)('its own user and root are believed (needs CAP_SYS_PTRACE)', () => {
    const pid = sleeper('sleep', ['60'], { uid: 1234 });
    chownSync(mapOf(pid), 1234, 0);
    expect(perfMap(pid)).toBeDefined();
    opened!.close();
    chownSync(`/tmp/perf-${pid}.map`, 0, 0);
    expect(perfMap(pid)).toBeDefined();
  });

  const canNest = spawnSync('unshare', ['--pid', '--fork', '--mount', '--mount-proc', 'true']).status === 0;
  /** Starts a script in namespaces of its own, and waits for what it prints: `ready`. Returns the pid of its inner process. */
  async function nested(script: string): Promise<number> {
    const outer = spawn('unshare', [
      '--pid',
      '--fork',
      '--mount',
      '--mount-proc',
      '--propagation',
      'private',
      'sh',
      '-c',
      script,
    ]);
    children.add(outer);
    await once(outer.stdout, 'data');
    return Number(readFileSync(`/proc/${outer.pid}/task/${outer.pid}/children`, 'utf8').trim());
  }

  test.skipIf(!canNest)(
    'in a container it is the map of the pid there, in the /tmp there (needs unshare)',
    async () => {
      const pid = await nested(
        'mount -t tmpfs none /tmp && echo "1000 10 inner" > /tmp/perf-1.map && echo ready && read _',
      );
      mapOf(pid, '1000 10 outer\n');
      expect(perfMap(pid)).toBe('1000 10 inner\n');
      expect(opened!.process.ownPid).toBe(1);
    },
  );

  test.skipIf(!canNest)('also when it is written at the end of the container (needs unshare)', async () => {
    const script = 'mount -t tmpfs none /tmp && echo ready && read _; echo "1000 10 late" > /tmp/perf-1.map';
    const pid = await nested(script);
    const files = filesOf(image({ pid }));
    expect(files.current.perfMap()).toBeUndefined();
    const [outer] = children;
    outer!.stdin!.end('\n');
    await once(outer!, 'exit');
    files.look();
    expect(text(files.current.perfMap())).toBe('1000 10 late\n');
  });

  test.skipIf(!canNest)('a /tmp that is a link there leads nowhere here (needs unshare)', async () => {
    const target = path('linked');
    mkdirSync(target);
    writeFileSync(`${target}/perf-1.map`, '1000 10 ours\n');
    const root = path('root');
    mkdirSync(root);
    const script = `mount -t tmpfs none ${root} && mkdir ${root}/bin ${root}/lib ${root}/lib64 ${root}/usr &&
      for d in bin lib lib64 usr; do mount --rbind /$d ${root}/$d; done; ln -s ${target} ${root}/tmp;
      exec chroot ${root} /bin/sh -c 'echo ready; read _'`;
    expect(perfMap(await nested(script))).toBeUndefined();
  });
});

describe('the jitdump of a process', () => {
  const dump = (owner?: number) => {
    const file = path('jit-77.dump');
    writeFileSync(file, 'dump');
    if (owner !== undefined) chownSync(file, owner, 0);
    return file;
  };

  test('is what it has mapped, wherever that is', () => {
    const pid = sleeper();
    const files = filesOf(image({ pid, mappings: [fileMapping(dump())] }));
    expect(text(files.current.jitdump())).toBe('dump');
  });

  test('is in /tmp otherwise', () => {
    const pid = sleeper();
    writeFileSync(inTmp(`jit-${pid}.dump`), 'dump');
    expect(text(filesOf(image({ pid })).current.jitdump())).toBe('dump');
  });

  test('is not another file of the same name', () => {
    const pid = sleeper();
    const files = filesOf(image({ pid, mappings: [fileMapping(dump(), { inode: 1 })] }));
    expect(files.current.jitdump()).toBeUndefined();
  });

  test.skipIf(!isRoot)('is not that of another user (needs root)', () => {
    const pid = sleeper();
    const files = filesOf(image({ pid, mappings: [fileMapping(dump(1234))] }));
    expect(files.current.jitdump()).toBeUndefined();
    expect(said[0]).toMatch(/jit-77.dump is not read: it belongs to another user.$/);
  });
});

describe('code that a process generates', () => {
  let table: CodeTable;
  const anonymous = mapping(0x1000, 0x2000, { path: '', device: '', inode: 0 });
  const of = (image: Image) => table.of(image, anonymous);

  function start(): Image {
    const pid = sleeper();
    mapOf(pid);
    table = new CodeTable();
    afterAll(() => table.close());
    return image({ pid, mappings: [anonymous] });
  }

  test('is one for each program, whatever is mapped meanwhile', () => {
    const process = start();
    const code = of(process);
    expect(of({ ...process, id: process.id + 1 })).toBe(code);
    expect(of({ ...process, id: process.id + 1, program: process.program + 1 })).not.toBe(code);
  });

  test('is another one where its memory was used again, from the next drain on', () => {
    const process = start();
    const before = of(process);
    before.jit!.owner.saw(0x1008);
    table.mark();
    writeFileSync(`/tmp/perf-${process.pid}.map`, '1800 10 elsewhere\n', { flag: 'a' });
    expect(table.isReused(process)).toBe(false);
    table.mark();
    writeFileSync(`/tmp/perf-${process.pid}.map`, '1000 10 again\n', { flag: 'a' });
    expect(table.isReused(process)).toBe(true);
    expect(table.isReused(process)).toBe(false); // in the same drain
    const after = of(process);
    expect(after).not.toBe(before);
    expect(before.jit!.perfMap()!.until).toBe('1000 10 f\n1800 10 elsewhere\n'.length);
    expect(after.jit!.perfMap()!.until).toBe(Number.POSITIVE_INFINITY);
    expect(after.jit!.owner).toBe(before.jit!.owner);
  });

  test('is not, of addresses that no window knows', () => {
    const process = start();
    of(process).jit!.owner.saw(0x1008);
    table.mark();
    table.isReused(process);
    table.mark();
    table.forgetAddresses();
    writeFileSync(`/tmp/perf-${process.pid}.map`, '1000 10 again\n', { flag: 'a' });
    expect(table.isReused(process)).toBe(false);
  });

  test('is read by another thread through our descriptors', () => {
    const process = start();
    const code = of(process);
    const reference = structuredClone(referTo(code));
    const referred = openReferred(reference);
    expect(text(referred.jit!.perfMap())).toBe('1000 10 f\n');
    writeFileSync(`/tmp/perf-${process.pid}.map`, '2000 10 g\n', { flag: 'a' });
    renewReferred(referred, structuredClone(referTo(code)));
    expect(text(referred.jit!.perfMap())).toBe('1000 10 f\n2000 10 g\n');
    expect(openReferred(structuredClone(referTo(code))).jit!.owner).toBe(referred.jit!.owner);
  });

  test('is closed when nobody has asked for it', () => {
    const process = start();
    const file = `/tmp/perf-${process.pid}.map`;
    of(process);
    expect(openBelow(file)).toHaveLength(1);
    table.sweep(() => false);
    expect(openBelow(file)).toHaveLength(1);
    expect(table.sweep(() => false)).toHaveLength(1);
    expect(openBelow(file)).toHaveLength(0);
    of(process);
    expect(openBelow(file)).toHaveLength(1);
    table.close();
    expect(openBelow(file)).toHaveLength(0);
  });

  test('of a process that is gone has no files', () => {
    table = new CodeTable();
    expect(of(image({ parentPid: 2 ** 22 + 2 })).jit).toBeUndefined();
  });
});
