import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DebugFiles } from '../../src/debug-files/debug-files.ts';
import { Debuginfod, type DebuginfodOptions, debuginfodOfEnvironment } from '../../src/debug-files/debuginfod.ts';
import { testFolder } from '../support/folder.ts';
import { addressOf, buildIdOf, codeOf, compile, keepDebug, nameAt, strip } from './support.ts';

const path = testFolder();
const whole = compile(path('program'));
const program = strip(whole, path('stripped'));
const debug = readFileSync(keepDebug(whole, path('debug')));
const id = buildIdOf(whole);
const address = addressOf(whole);

type Answer = (response: ServerResponse) => void;
/** By path; everything else is not found. */
const answers = new Map<string, Answer>();
const asked: string[] = [];
const server = createServer(({ url = '' }, response) => {
  asked.push(url);
  const answer = answers.get(url);
  if (answer) answer(response);
  else response.writeHead(404).end();
});
let url = '';
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const request = `/buildid/${id}/debuginfo`;
let folder = '';
let folders = 0;
beforeEach(() => {
  folder = path(`cache-${folders++}`);
  answers.clear();
  asked.length = 0;
});

function serve(answer: Answer): void {
  answers.set(request, answer);
}

/** The name of the local function, and what was said on the way. */
async function lookUp(options: Partial<DebuginfodOptions> = {}, waitMs = 5000) {
  const files = new DebugFiles({ debuginfod: { urls: [url], folder, silenceMs: 300, ...options } });
  const code = codeOf(program);
  await files.prepare([code], waitMs);
  const name = nameAt(files, code, address);
  files.close();
  return { name, notes: files.takeNotes().map(note => note.replace(url.slice(7), 'HOST')) };
}

const found = { name: 'local_function', notes: [] };
const missing = { name: undefined, notes: [] };
const failed = (reason: string) => ({
  name: undefined,
  notes: [`${program}: its debug information was not fetched: HOST: ${reason}`],
});
const send: Answer = response => response.end(debug);

describe('a server', () => {
  test('that has the file: it is kept, and nobody is asked again', async () => {
    serve(send);
    expect(await lookUp()).toEqual(found);
    expect(await lookUp()).toEqual(found);
    expect(asked).toEqual([request]);
    expect(readdirSync(folder)).toEqual([`${id}.debug`]);
  });

  test('that does not have it: that is remembered, for an hour', async () => {
    expect(await lookUp()).toEqual(missing);
    expect(await lookUp()).toEqual(missing);
    expect(asked).toHaveLength(1);
    const long = Date.now() / 1000 - 3700;
    utimesSync(`${folder}/${id}.missing`, long, long);
    serve(send);
    expect(await lookUp()).toEqual(found);
    expect(readdirSync(folder)).toEqual([`${id}.debug`]);
  });

  test('that redirects', async () => {
    serve(response => response.writeHead(302, { location: '/elsewhere' }).end());
    answers.set('/elsewhere', send);
    expect(await lookUp()).toEqual(found);
  });

  test('after one that does not have it', async () => {
    answers.set(`/second${request}`, send);
    expect(await lookUp({ urls: [`${url}/first`, `${url}/second/`] })).toEqual(found);
    expect(asked).toEqual([`/first${request}`, `/second${request}`]);
  });

  test('after one that is not there', async () => {
    serve(send);
    expect((await lookUp({ urls: ['http://127.0.0.1:1', url] })).name).toBe('local_function');
  });
});

describe('what is not believed', () => {
  const silent = () => {};
  const endless: Answer = response => {
    const more = () => {
      while (response.writable && response.write(Buffer.alloc(65536)));
    };
    response.on('drain', more);
    more();
  };
  const slow: Answer = response => {
    response.writeHead(200);
    const timer = setInterval(() => response.write('x'), 50);
    response.on('close', () => clearInterval(timer));
  };

  test.each<[string, Answer, string, Partial<DebuginfodOptions>]>([
    ['nothing ever', silent, 'nothing came for 0.3 s', {}],
    ['a header and no more', response => void response.writeHead(200).write('x'), 'nothing came for 0.3 s', {}],
    ['a byte now and then', slow, 'it takes longer than 0.5 s', { totalMs: 500 }],
    ['no ELF file', response => void response.end('<html>'), 'it sent another file', {}],
    ['nothing at all', response => void response.end(), 'it sent another file', {}],
    ['another file', response => void response.end(readFileSync('/bin/true')), 'it sent another file', {}],
    ['a part', response => void response.end(debug.subarray(0, 40)), 'it sent another file', {}],
    ['bytes without end', endless, 'it has more than 1000000 bytes', { maxFileBytes: 1e6 }],
    [
      'a size beyond all',
      response => void response.writeHead(200, { 'content-length': 2 ** 40 }).write('x'),
      `it has more than ${2 ** 30} bytes`,
      {},
    ],
    ['an error', response => void response.writeHead(500).end(), 'status 500', {}],
    ['a broken connection', response => void response.destroy(), 'UND_ERR_SOCKET', {}],
    ['a circle', response => void response.writeHead(302, { location: request }).end(), 'more than 5 redirects', {}],
    [
      'a redirect to a file',
      response => void response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
      'it redirects to what is not allowed',
      {},
    ],
  ])('%s', async (_, answer, reason, options) => {
    serve(answer);
    expect(await lookUp(options)).toEqual(failed(reason));
    // Nothing is left behind, and nothing is remembered beyond this run.
    expect(readdirSync(folder)).toEqual([]);
    serve(send);
    expect(await lookUp()).toEqual(found);
  });

  test('a server that was silent once is left alone', async () => {
    serve(silent);
    const servers = new Debuginfod({ urls: [url], folder, silenceMs: 100 });
    await servers.fetch(id);
    expect(await servers.fetch('abcd')).toEqual({ failure: expect.stringContaining('did not answer') });
    expect(asked).toHaveLength(1);
  });
});

describe('waiting', () => {
  test('ends when the time is over; what comes late is there the next time', async () => {
    let answer = (): void => {};
    serve(response => {
      answer = () => response.end(debug);
    });
    const files = new DebugFiles({ debuginfod: { urls: [url], folder } });
    const code = codeOf(program);
    await files.prepare([code], 100);
    expect(files.outdated([code])).toEqual([]);
    expect(nameAt(files, code, address)).toBeUndefined();
    expect(files.takeNotes()).toEqual(['debuginfod: not everything came within 0.1 s']);
    answer();
    await expect.poll(() => existsSync(`${folder}/${id}.debug`)).toBe(true);
    await expect.poll(() => files.outdated([code])).toEqual([code]);
    const again = codeOf(program);
    await files.prepare([again], 100);
    expect(nameAt(files, again, address)).toBe('local_function');
    expect(files.outdated([again])).toEqual([]);
    expect(asked).toHaveLength(1);
    files.close();
  });

  test('ends when it is closed', async () => {
    serve(() => {});
    const files = new DebugFiles({ debuginfod: { urls: [url], folder } });
    const prepared = files.prepare([codeOf(program)], 60_000);
    await expect.poll(() => asked).toHaveLength(1);
    files.close();
    await prepared;
    expect(files.takeNotes()).toEqual([expect.stringMatching(/given up$/)]);
  });

  test('many at once: each is asked for once, a few at a time', async () => {
    let running = 0;
    let most = 0;
    const ids = Array.from({ length: 20 }, (_, i) => `${i + 10}`.repeat(20));
    for (const one of ids) {
      answers.set(`/buildid/${one}/debuginfo`, response => {
        most = Math.max(most, ++running);
        setTimeout(() => {
          running--;
          response.writeHead(404).end();
        }, 5);
      });
    }
    const servers = new Debuginfod({ urls: [url], folder });
    await Promise.all([...ids, ...ids].map(one => servers.fetch(one)));
    expect(asked).toHaveLength(20);
    expect(most).toBeLessThanOrEqual(4);
  });
});

describe('the folder', () => {
  test('is bounded: what was used longest ago goes', async () => {
    mkdirSync(folder, { mode: 0o700 });
    const old = ['aaaa', 'bbbb', 'cccc'].map(name => `${folder}/${name}.debug`);
    old.forEach((file, i) => {
      writeFileSync(file, Buffer.alloc(10_000));
      utimesSync(file, 1000 + i, 1000 + i);
    });
    serve(send);
    expect((await lookUp({ maxCacheBytes: debug.length + 10_000 })).name).toBe('local_function');
    expect(readdirSync(folder).sort()).toEqual([`${id}.debug`, 'cccc.debug'].sort());
  });

  test('is not used when others may write it', async () => {
    mkdirSync(folder);
    chmodSync(folder, 0o777); // the mode of mkdir is subject to the umask
    serve(send);
    expect((await lookUp()).notes[0]).toMatch(/can be written by others$/);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a link in it is not followed', async () => {
    mkdirSync(folder, { mode: 0o700 });
    symlinkSync(path('debug'), `${folder}/${id}.debug`);
    expect(await lookUp()).toEqual(missing);
    expect(asked).toHaveLength(1);
  });

  test.each([
    ['zeros', Buffer.alloc(debug.length)],
    ['the begin', debug.subarray(0, 1000)],
    ['another file', readFileSync('/bin/true')],
  ])('what is in it is checked: %s', async (_, contents) => {
    mkdirSync(folder, { mode: 0o700 });
    writeFileSync(`${folder}/${id}.debug`, contents);
    serve(send);
    expect(await lookUp()).toEqual(found);
    expect(asked).toHaveLength(1);
  });
});

describe('$DEBUGINFOD_URLS', () => {
  test('without it nobody is asked', () => {
    expect(debuginfodOfEnvironment({})).toBeUndefined();
    expect(debuginfodOfEnvironment({ DEBUGINFOD_URLS: '' })).toBeUndefined();
    expect(debuginfodOfEnvironment({ DEBUGINFOD_URLS: 'ima:enforcing file:///srv ftp://a' })).toBeUndefined();
  });

  test('and the other variables', () => {
    const env = {
      DEBUGINFOD_URLS: ' https://a.example/  http://b.example ima:ignore',
      XDG_CACHE_HOME: '/cache',
      DEBUGINFOD_TIMEOUT: '7',
      DEBUGINFOD_MAXTIME: '60',
      DEBUGINFOD_MAXSIZE: '1000',
    };
    expect(debuginfodOfEnvironment(env)).toEqual({
      urls: ['https://a.example/', 'http://b.example'],
      folder: '/cache/ebpf-profiler/debuginfod',
      silenceMs: 7000,
      totalMs: 60_000,
      maxFileBytes: 1000,
    });
    const wrong = { DEBUGINFOD_TIMEOUT: 'soon', DEBUGINFOD_MAXTIME: '-1', DEBUGINFOD_MAXSIZE: '1e99' };
    expect(debuginfodOfEnvironment({ ...env, ...wrong })).toEqual({
      urls: ['https://a.example/', 'http://b.example'],
      folder: '/cache/ebpf-profiler/debuginfod',
    });
  });
});
