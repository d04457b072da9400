import { type SpawnSyncOptions, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, ftruncateSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/package.ts';
import { firstOf, listed, Workshop } from '../elf/toolchain.ts';
import { testFolder } from '../support/folder.ts';

const path = testFolder();
const workshop = new Workshop();
afterAll(() => workshop.clear());

const main = join(packageRoot, 'dist/src/cli/main.js');
const program = workshop.compile('g++', 'names.cpp', 'names', '-O1', '-no-pie');
const addressOf = (name: string) => listed(program).find(symbol => symbol.name === name)!.address;
const use = `0x${addressOf('_ZN5names3useEi').toString(16)}`;
const mainAddress = `0x${addressOf('main').toString(16)}`;

function run(args: readonly string[], options: SpawnSyncOptions = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'symbolize', ...args], {
    ...options,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  return { status, stdout: String(stdout), stderr: String(stderr) };
}

describe('answers', () => {
  test('of arguments, as text', () => {
    const { status, stdout, stderr } = run(['--elf', program, use, mainAddress.slice(2), '1']);
    const lines = stdout.split('\n');
    expect([status, stderr]).toEqual([0, '']);
    expect(lines[0]).toBe(`${use} names::use(int)`);
    expect(lines[1]).toBe(`${mainAddress} main`);
    expect(lines[2]).toBe('0x1 ?? (no symbol at the address)');
  });

  test('as addr2line', () => {
    const { stdout } = run(['--elf', program, '--format', 'addr2line', use, '1', mainAddress]);
    expect(stdout).toBe('names::use(int)\n??:0\n??\n??:0\nmain\n??:0\n');
  });

  test('as JSON, an object a line', () => {
    const { stdout } = run(['--elf', program, '--format', 'json'], { input: `${use}\n1\nzz\n` });
    expect(
      stdout
        .trim()
        .split('\n')
        .map(line => JSON.parse(line)),
    ).toEqual([
      { address: use, kind: 'native', frames: [{ name: 'names::use(int)', systemName: '_ZN5names3useEi' }] },
      { address: '0x1', kind: 'native', frames: [], unknown: 'unknownAddress' },
      { address: null, frames: [], unknown: 'noAddress' },
    ]);
  });

  test('of standard input: a line for a line, a bad one is said', () => {
    const input = `${use} what follows\n\nmain\n${mainAddress}`;
    const { status, stdout, stderr } = run(['--elf', program, '--format', 'addr2line', '-'], { input });
    expect(status).toBe(0);
    expect(stdout).toBe('names::use(int)\n??:0\n??\n??:0\n??\n??:0\nmain\n??:0\n');
    expect(stderr).toBe('2 lines are no addresses, line 2 is the first.\n');
  });

  test('come before the next question is asked', async () => {
    const child = spawn(process.execPath, [main, 'symbolize', '--elf', program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    for (const [address, name] of [
      [use, 'names::use(int)'],
      [mainAddress, 'main'],
    ]) {
      child.stdin.write(`${address}\n`);
      const [answer] = await once(child.stdout, 'data');
      expect(String(answer)).toBe(`${address} ${name}\n`);
    }
    child.stdin.end();
    expect(await once(child, 'close')).toEqual([0, null]);
  });

  test('of nothing', () =>
    expect(run(['--elf', program], { input: '' })).toEqual({ status: 0, stdout: '', stderr: '' }));
});

describe('a process', () => {
  test('its program, its libraries, the kernel, nothing', () => {
    const child = spawn('sleep', ['100']);
    try {
      const maps = () => readFileSync(`/proc/${child.pid}/maps`, 'utf8');
      while (!/ r-xp .*libc\.so/m.test(maps())) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
      const [, start = '', offset = '', library = ''] = /^([0-9a-f]+)-\S+ r-xp (\S+) .* (\S+libc\.so\.6)$/m.exec(
        maps(),
      )!;
      const malloc = listed(library, '-D').find(({ name }) => name === 'malloc')!;
      const address = Number.parseInt(start, 16) - Number.parseInt(offset, 16) + malloc.address;
      const text = `${address.toString(16)}\nffffffffffffffff\n10\n`;
      const { status, stdout } = run(['--pid', `${child.pid}`, '--format', 'json'], { input: text });
      const [known, kernel, nothing] = stdout
        .trim()
        .split('\n')
        .map(line => JSON.parse(line));
      expect(status).toBe(0);
      expect(known).toMatchObject({
        kind: 'native',
        module: library,
        moduleAddress: `0x${malloc.address.toString(16)}`,
      });
      expect(known.frames[0].name).toMatch(/malloc/);
      expect(kernel).toMatchObject({ address: '0xffffffffffffffff', kind: 'kernel' });
      expect(nothing).toEqual({ address: '0x10', frames: [], unknown: 'unmapped' });
    } finally {
      child.kill();
    }
  });
});

const llvm = firstOf('llvm-symbolizer');
test.skipIf(llvm === undefined)('line for line as llvm-symbolizer (needs it), on each byte of the functions', () => {
  const program = workshop.compile('g++', 'names.cpp', 'names-0', '-O0', '-no-pie');
  const functions = listed(program).filter(({ name }) => name.startsWith('_ZN5names'));
  const addresses = functions.flatMap(({ address, size }) => Array.from({ length: size }, (_, i) => address + i));
  const input = addresses.map(address => `0x${address.toString(16)}\n`).join('');
  const theirs = spawnSync(llvm!, ['--output-style=GNU', '-f', '-C', '-i', '-e', program], { input, encoding: 'utf8' });
  const ours = run(['--elf', program, '--format', 'addr2line'], { input });
  expect(addresses.length).toBeGreaterThan(200);
  expect(ours.stdout.split('\n')).toEqual(theirs.stdout.split('\n'));
});

describe('what is wrong is said in a sentence', () => {
  writeFileSync(path('text'), 'text');
  writeFileSync(path('cut'), readFileSync(program).subarray(0, 1000));
  spawnSync('mkfifo', [path('fifo')]);

  test.each([
    [['1'], 2, 'error: nothing to look addresses up in.\n  Say --elf FILE or --pid PID.\n'],
    [['--elf', program, '--pid', '1'], 2, "error: option '--pid <pid>' cannot be used with option '--elf <file>'\n"],
    [['--elf', program, 'zz'], 2, 'error: "zz" is no address.'],
    [['--elf', program, '1', '-'], 2, 'error: "-" is no address.'],
    [['--elf', program, '--format', 'xml', '1'], 2, "error: option '--format <format>' argument 'xml' is invalid."],
    [['--pid', 'x', '1'], 2, 'It is no process id.'],
    [['--pid', '4194304', '1'], 6, 'error: cannot read the mappings of process 4194304.'],
    [['--elf', '/nonexistent', '1'], 6, 'error: cannot read /nonexistent: no such regular file.'],
    [['--elf', '/tmp', '1'], 6, 'error: cannot read /tmp: no such regular file.'],
    [['--elf', '/dev/zero', '1'], 6, 'error: cannot read /dev/zero: no such regular file.'],
    [['--elf', path('fifo'), '1'], 6, 'fifo: no such regular file.'],
    [['--elf', path('text'), '1'], 6, 'text is no ELF file, or is damaged.'],
    [['--elf', path('cut'), '1'], 0, ''],
  ])('%j', (args, status, message) => {
    const answer = run(args);
    expect(answer.stderr).toContain(message);
    expect(answer.stderr).not.toMatch(/^\s+at /m);
    expect(answer.status).toBe(status);
  });

  test('a reader that goes away ends it', async () => {
    const script = `yes ${use} | "$0" "$1" symbolize --elf "$2" | head -n 3; echo "\${PIPESTATUS[1]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', script, process.execPath, main, program], { encoding: 'utf8' });
    expect(stdout.split('\n').slice(3)).toEqual(['0', '']);
    expect(stderr).not.toContain('error');
  });

  test.skipIf(!spawnSync('test', ['-e', '/dev/full']))('a full disk', () => {
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(process.execPath, [main, 'symbolize', '--elf', program, use], {
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(full);
    expect([status, stderr]).toEqual([7, 'error: cannot write standard output: ENOSPC.\n']);
  });
});

describe('much', () => {
  test('a file of 3 GB is not read as a whole', () => {
    const large = path('large');
    writeFileSync(large, readFileSync(program));
    const file = openSync(large, 'r+');
    ftruncateSync(file, 3 * 2 ** 30);
    closeSync(file);
    const limited = 'ulimit -v 4000000; exec "$0" "$@"';
    const { stdout } = spawnSync('sh', ['-c', limited, process.execPath, main, 'symbolize', '--elf', large, use], {
      encoding: 'utf8',
    });
    expect(stdout).toBe(`${use} names::use(int)\n`);
  });

  test('a million lines in bounded memory', () => {
    const script = `yes "${use}" | head -n 1000000 | /usr/bin/env node --max-old-space-size=64 "$1" symbolize --elf "$2" --format addr2line | wc -l`;
    const { stdout } = spawnSync('bash', ['-c', script, '', main, program], { encoding: 'utf8' });
    expect(stdout.trim()).toBe('2000000');
  });
});
