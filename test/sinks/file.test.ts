import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';

import { relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ProfilerError } from '../../src/errors.ts';
import { writeOutput } from '../../src/sinks/file.ts';
import { openBelow, testFolder } from '../support/folder.ts';

const path = testFolder();

async function failure(output: string, chunks: Iterable<string> = ['x']): Promise<ProfilerError> {
  const error: unknown = await writeOutput(output, chunks).catch(reason => reason);
  expect(error).toBeInstanceOf(ProfilerError);
  expect(error).toMatchObject({ code: 'output', exitCode: 7 });
  return error as ProfilerError;
}

const read = (name: string) => readFileSync(path(name), 'utf8');

describe('a file', () => {
  test('text and bytes, in pieces', async () => {
    await writeOutput(path('new'), ['ab', Uint8Array.of(0, 255), '', 'é\u2028', new Uint8Array()]);
    expect(readFileSync(path('new')).toString('hex')).toBe('616200ffc3a9e280a8');
  });

  test('nothing', async () => {
    await writeOutput(path('empty'), []);
    expect(read('empty')).toBe('');
  });

  test('by a relative path', async () => {
    await writeOutput(relative(process.cwd(), path('relative')), ['here']);
    expect(read('relative')).toBe('here');
  });

  test('more than one write takes', async () => {
    const chunk = 'y'.repeat(1 << 20);
    await writeOutput(path('large'), Array<string>(20).fill(chunk));
    expect(statSync(path('large')).size).toBe(20 << 20);
  });

  test('with a name as long as names can be', async () => {
    const name = 'n'.repeat(251);
    await writeOutput(path(`${name}.svg`), ['x']);
    expect(read(`${name}.svg`)).toBe('x');
  });

  test('a reader sees the old file, or the whole new one', async () => {
    writeFileSync(path('replaced'), 'old');
    const seen: string[] = [];
    function* chunks() {
      for (const chunk of ['new ', 'content']) {
        yield chunk;
        seen.push(read('replaced'));
      }
    }
    await writeOutput(path('replaced'), chunks());
    expect(seen).toEqual(['old', 'old']);
    expect(read('replaced')).toBe('new content');
  });

  test('keeps the rights of the one it replaces; a new one is for everybody to read', async () => {
    writeFileSync(path('private'), '');
    chmodSync(path('private'), 0o600);
    writeFileSync(path('shared'), '');
    chmodSync(path('shared'), 0o664);
    for (const name of ['private', 'shared', 'fresh']) await writeOutput(path(name), ['x']);
    const modes = ['private', 'shared', 'fresh'].map(name => (statSync(path(name)).mode & 0o777).toString(8));
    expect(modes).toEqual(['600', '664', (0o644 & ~process.umask()).toString(8)]);
  });
});

describe('what is no file', () => {
  test('a link stays a link: its target is written', async () => {
    writeFileSync(path('target'), 'something longer');
    symlinkSync(path('target'), path('link'));
    await writeOutput(path('link'), ['new']);
    expect(readlinkSync(path('link'))).toBe(path('target'));
    expect(read('target')).toBe('new');
  });

  test('a link to nothing makes its target', async () => {
    symlinkSync(path('made'), path('dangling'));
    await writeOutput(path('dangling'), ['new']);
    expect(lstatSync(path('dangling')).isSymbolicLink()).toBe(true);
    expect(read('made')).toBe('new');
  });

  test('/dev/null', async () => {
    await writeOutput('/dev/null', ['x']);
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  test('a FIFO with a reader', async () => {
    execFileSync('mkfifo', [path('fifo')]);
    const reader = spawn('cat', [path('fifo')], { stdio: ['ignore', 'pipe', 'ignore'] });
    let text = '';
    reader.stdout.on('data', chunk => {
      text += chunk;
    });
    await writeOutput(path('fifo'), ['through ', 'the FIFO']);
    await once(reader, 'close');
    expect(text).toBe('through the FIFO');
    expect(statSync(path('fifo')).isFIFO()).toBe(true);
  });

  test('a FIFO whose reader goes away', async () => {
    execFileSync('mkfifo', [path('broken')]);
    const reader = spawn('head', ['-c', '1', path('broken')], { stdio: 'ignore' });
    const error = await failure(path('broken'), Array<string>(64).fill('x'.repeat(1 << 16)));
    expect(error.message).toBe(`cannot write "${path('broken')}": its reader went away.`);
    if (reader.exitCode === null) await once(reader, 'exit');
  });
});

describe('failures', () => {
  mkdirSync(path('directory'));
  writeFileSync(path('a file'), '');

  test.each([
    ['/dev/full', 'no space left on the device'],
    [path('missing/profile.svg'), 'its directory does not exist'],
    [path('directory'), 'it is a directory'],
    [path('a file/profile.svg'), 'a part of its path is no directory'],
    ['/proc/profile.svg', expect.any(String)],
  ])('%s', async (output, reason) => {
    const { message } = await failure(output);
    if (typeof reason === 'string') expect(message).toBe(`cannot write "${output}": ${reason}.`);
    else expect(message).toContain(`cannot write "${output}": `);
  });

  test('a piece that cannot be made leaves the old file', async () => {
    writeFileSync(path('kept'), 'old');
    function* chunks() {
      yield 'new';
      throw new RangeError('too large');
    }
    await expect(writeOutput(path('kept'), chunks())).rejects.toThrow(new RangeError('too large'));
    expect(read('kept')).toBe('old');
  });

  test('and makes no new one', async () => {
    // biome-ignore lint/correctness/useYield: it fails before
    function* chunks(): Generator<string> {
      throw new Error('not at all');
    }
    await expect(writeOutput(path('never'), chunks())).rejects.toThrow('not at all');
    expect(existsSync(path('never'))).toBe(false);
  });
});

test('no temporary file and no descriptor is left', () => {
  expect(readdirSync(path()).filter(name => name.endsWith('.tmp'))).toEqual([]);
  expect(openBelow(path())).toEqual([]);
});
