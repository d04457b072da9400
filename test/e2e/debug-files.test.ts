import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { buildIdOf, buildIdPath, keepDebug, strip } from '../debug-files/support.ts';
import { Backend, startAgent, until } from '../support/agent.ts';
import { readPprof } from '../support/pprof.ts';
import {
  canMount,
  compile,
  countOf,
  needsBpf,
  obstacle,
  profiler,
  readCollapsed,
  sleep,
  start,
  startProfiler,
  stopAll,
  workFolder,
} from '../support/profiler.ts';

const canChroot = spawnSync('chroot', ['/', 'true']).status === 0;

describe.skipIf(obstacle)(needsBpf('debug files'), () => {
  const folder = workFolder();
  const path = (name: string) => join(folder, name);
  const at = (name: string) => {
    mkdirSync(dirname(path(name)), { recursive: true });
    return path(name);
  };
  // Without dependencies, for a root directory with nothing else in it.
  const burn = obstacle ? '' : compile(folder, 'burn.c', '-g', '-static');
  const id = obstacle ? '' : buildIdOf(burn);
  afterAll(stopAll);

  /** The share of samples in the function that only the debug file knows. */
  function namedShare(output: string): number {
    const stacks = readCollapsed(path(output));
    expect(countOf(stacks)).toBeGreaterThan(50);
    return countOf(stacks, ({ frames }) => frames.includes('burn_briefly')) / countOf(stacks);
  }

  test('below a folder that the user names', () => {
    keepDebug(burn, at(`named/${buildIdPath(id)}`));
    const program = strip(burn, path('stripped'));
    const record = (...more: string[]) =>
      profiler(['record', '-F', '999', '-o', path('named.collapsed'), ...more, '--', program, '300']);
    expect(record('--debug-dir', path('named')).status).toBe(0);
    expect(namedShare('named.collapsed')).toBeGreaterThan(0.9);
    expect(record().status).toBe(0);
    expect(namedShare('named.collapsed')).toBe(0);
  });

  test('one that cannot be used is told', () => {
    const program = strip(burn, path('refused'));
    copyFileSync('/bin/true', at(`refused.d/${buildIdPath(id)}`));
    const output = path('refused.collapsed');
    const { stderr } = profiler(['record', '--debug-dir', path('refused.d'), '-o', output, '--', program, '100']);
    expect(stderr).toMatch(/^debug files: .*\.debug: it has another build id$/m);
  });

  test.skipIf(!canMount)('where only the mount namespace of the program has it (needs mount namespaces)', async () => {
    const debug = keepDebug(burn, at('inside/program.debug'));
    strip(burn, path('inside/program'), `--add-gnu-debuglink=${debug}`);
    const hidden = path('hidden');
    mkdirSync(hidden);
    const script = `mount --bind ${path('inside')} ${hidden} && exec ${hidden}/program 60000`;
    const target = start('unshare', ['-m', 'sh', '-c', script]);
    await sleep(500);
    const output = path('inside.collapsed');
    expect(profiler(['record', '-p', `${target.pid}`, '-F', '999', '-d', '1', '-o', output]).status).toBe(0);
    target.kill();
    expect(namedShare('inside.collapsed')).toBeGreaterThan(0.9);
  });

  describe.skipIf(!canChroot)('in a chroot (needs chroot)', () => {
    const root = path('root');
    if (canChroot && !obstacle) {
      strip(burn, at('root/bin/jailed'));
      // Through a link that leads nowhere from outside.
      keepDebug(burn, at('root/store/jailed.debug'));
      execFileSync('ln', ['-s', '/store/jailed.debug', at(`root/usr/lib/debug/${buildIdPath(id)}`)]);
    }

    test('its own debug file, and paths as it sees them', async () => {
      const target = start('chroot', [root, '/bin/jailed', '60000']);
      await sleep(300);
      const record = (output: string) =>
        profiler(['record', '-p', `${target.pid}`, '-F', '999', '-d', '1', '-o', path(output)]);
      expect(record('chroot.collapsed').status).toBe(0);
      expect(namedShare('chroot.collapsed')).toBeGreaterThan(0.9);
      expect(record('chroot.pb.gz').status).toBe(0);
      target.kill();
      const { raw } = readPprof(path('chroot.pb.gz'));
      const files = raw.mapping.map(({ filename }) => raw.stringTable.strings[Number(filename)]);
      expect(files).toContain('/bin/jailed');
    });

    test('though the program is gone when it is named', async () => {
      const output = path('gone.collapsed');
      const { child, ended } = startProfiler(['record', '--comm', 'jailed', '-F', '999', '-o', output]);
      await sleep(1500);
      spawnSync('chroot', [root, '/bin/jailed', '300']);
      child.kill('SIGINT');
      expect((await ended).status).toBe(0);
      expect(namedShare('gone.collapsed')).toBeGreaterThan(0.9);
    });
  });

  test('from a server, while an agent goes on', async () => {
    const program = strip(burn, path('fetched'));
    const debug = readFileSync(keepDebug(burn, path('fetched.debug')));
    const server = createServer(({ url }, response) => {
      if (url === `/buildid/${id}/debuginfo`) response.end(debug);
      else response.writeHead(404).end();
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const cache = mkdtempSync(join(folder, 'cache-'));
    const backend = await new Backend().start();
    const target = start(program, ['600000']);
    process.env.DEBUGINFOD_URLS = `http://127.0.0.1:${port}`;
    process.env.XDG_CACHE_HOME = cache;
    const home = mkdtempSync(join(folder, 'agent-'));
    const sinks = [{ type: 'http', url: backend.url }];
    const http = { address: '127.0.0.1:0' };
    const agent = await startAgent(home, { window: '1s', frequency: 199, jitter: 0, sinks, http });
    delete process.env.DEBUGINFOD_URLS;
    delete process.env.XDG_CACHE_HOME;
    await until(() => backend.of('fetched').length >= 2);
    await agent.stop();
    target.kill();
    server.close();
    const frames = backend.of('fetched').flatMap(({ profile }) => profile.samples.flatMap(sample => sample.frames));
    expect(frames).toContain('burn_briefly');
    rmSync(cache, { recursive: true });
  });
});
