import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { Backend, capabilities, metric, startAgent, until, writeConfig } from '../support/agent.ts';
import { decodePprof } from '../support/pprof.ts';
import { compile, needsBpf, obstacle, profiler, sleep, start, stopAll, workFolder } from '../support/profiler.ts';

const HZ = 199;

describe.skipIf(obstacle)(needsBpf('profiler agent'), () => {
  const folder = workFolder();
  const burn = compile(folder, 'burn.c');
  afterAll(stopAll);

  /** A folder and a configuration for one agent, with one sink. */
  function plan(backend: Backend, more: object = {}) {
    const home = mkdtempSync(join(folder, 'agent-'));
    const sinks = [{ type: 'http', url: backend.url }];
    const config = { window: '1s', frequency: HZ, jitter: 0, sinks, http: { address: '127.0.0.1:0' }, ...more };
    return { home, config };
  }

  /** Burns one CPU until the test file ends. */
  const busy = () => start(burn, ['600000']);

  test('every window, one after the other, of every service by its name', async () => {
    const backend = await new Backend().start();
    const { home, config } = plan(backend, { labels: { team: 'core' } });
    const target = busy();
    const agent = await startAgent(home, config);
    await until(() => backend.of('burn').length >= 4);
    expect(await agent.stop()).toBe(0);
    target.kill();
    const windows = backend.of('burn').toSorted((a, b) => a.startMs - b.startMs);
    for (const [i, { startMs }] of windows.entries()) {
      if (i > 0) expect(Math.abs(startMs - windows[i - 1]!.endMs)).toBeLessThan(50);
    }
    const seconds = (windows.at(-1)!.endMs - windows[0]!.startMs) / 1000;
    const samples = backend.samples('burn');
    // One CPU, less what others took of it.
    expect(samples).toBeLessThan(HZ * seconds * 1.05);
    expect(samples).toBeGreaterThan(HZ * seconds * 0.3);
    const [first] = windows;
    expect(first!.profile.samples.some(({ frames }) => frames.join(';').includes('main;burn_briefly'))).toBe(true);
    expect(first!.profile.samples.every(({ labels }) => Object.keys(labels).length === 0)).toBe(true);
    expect(first!.profile.samples.flatMap(({ frames }) => frames)).not.toContain('');
    expect(first!.profile.comments).toContain(`cpu-clock at ${HZ} Hz`);
    expect(new Set(backend.received.map(({ id }) => id)).size).toBe(backend.received.length);
  });

  test('only targets, named by rules', async () => {
    const backend = await new Backend().start();
    const target = busy();
    const { home, config } = plan(backend, {
      targets: { exe: ['.*/burn'] },
      services: [{ match: { comm: 'burn' }, name: 'the burner' }],
    });
    const agent = await startAgent(home, config);
    await until(() => backend.received.length >= 2);
    await agent.stop();
    target.kill();
    expect(new Set(backend.received.map(({ service }) => service))).toEqual(new Set(['the burner']));
  });

  test('a process that is gone before anybody looks has its name from its mappings', async () => {
    const backend = await new Backend().start();
    const { home, config } = plan(backend, { frequency: 999 });
    const agent = await startAgent(home, config);
    for (let i = 0; i < 20; i++) spawnSync(burn, ['20']);
    await until(() => backend.samples('burn') > 200);
    await agent.stop();
  });

  test('keeps none but the capabilities that it needs', async () => {
    const { home, config } = plan(await new Backend().start());
    const agent = await startAgent(home, config);
    const [sysAdmin, netAdmin, bpf, perfmon] = [21, 12, 39, 38].map(
      bit => (capabilities(agent.pid) >> BigInt(bit)) & 1n,
    );
    expect([sysAdmin, netAdmin, bpf, perfmon]).toEqual([0n, 0n, 1n, 1n]);
    await agent.stop();
  });

  describe('SIGHUP', () => {
    test('another rate and another sink, without a gap', async () => {
      const [before, after] = [await new Backend().start(), await new Backend().start()];
      const target = busy();
      const { home, config } = plan(before, { targets: { exe: ['.*/burn'] } });
      const agent = await startAgent(home, config);
      await until(() => before.of('burn').length >= 2);
      writeConfig(home, { ...config, frequency: 99, sinks: [{ type: 'http', url: after.url }] });
      agent.child.kill('SIGHUP');
      await until(() => after.of('burn').length >= 2);
      await agent.stop();
      target.kill();
      const all = [...before.of('burn'), ...after.of('burn')].toSorted((a, b) => a.startMs - b.startMs);
      for (const [i, { startMs }] of all.entries()) {
        if (i > 0) expect(startMs - all[i - 1]!.endMs, agent.log()).toBeLessThan(150);
      }
      expect(after.of('burn').at(-1)!.profile.comments).toContain('cpu-clock at 99 Hz');
    });

    test('a configuration that is wrong is told and not taken over', async () => {
      const backend = await new Backend().start();
      const { home, config } = plan(backend);
      const agent = await startAgent(home, config);
      writeConfig(home, { ...config, frequency: 'fast' });
      agent.child.kill('SIGHUP');
      await agent.says(/error: The configuration is not taken over: .*frequency/);
      await until(() => backend.received.length > 0);
      await agent.stop();
    });
  });

  test('SIGHUP with an address that cannot be listened on: nothing of it is taken over', async () => {
    const { home, config } = plan(await new Backend().start());
    const agent = await startAgent(home, config);
    const taken = new URL((await new Backend().start()).url).host;
    writeConfig(home, { ...config, frequency: 99, http: { address: taken } });
    agent.child.kill('SIGHUP');
    await agent.says(/error: The configuration is not taken over: cannot listen on/);
    // The old address was given up for a moment; it was any that is free.
    await until(() => (agent.log().match(/Serving/g) ?? []).length === 2);
    const [url = ''] = agent.log().split('Serving ').at(-1)!.split('\n');
    expect((await metric(url, 'profiler_frequency_hertz'))['']).toBe(HZ);
    await agent.stop();
  });

  describe('nothing is lost', () => {
    test('while the backend is down, and by SIGKILL but the open window', async () => {
      const backend = await new Backend().start();
      const target = busy();
      const { home, config } = plan(backend, { targets: { exe: ['.*/burn'] } });
      backend.answer = (_request, response) => response.writeHead(500).end();
      const killed = await startAgent(home, config);
      await until(async () => (await metric(killed.url, 'profiler_sink_queued'))['sink="http"']! >= 3);
      const queued = (await metric(killed.url, 'profiler_sink_queued'))['sink="http"']!;
      killed.child.kill('SIGKILL');
      backend.answer = undefined;
      const agent = await startAgent(home, config);
      await until(() => backend.of('burn').length > queued);
      await agent.stop();
      target.kill();
      const ids = backend.received.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      const starts = backend.of('burn').map(({ startMs }) => startMs);
      expect(starts).toEqual(starts.toSorted((a, b) => a - b));
      const gaps = starts.slice(1).filter((startMs, i) => startMs - backend.of('burn')[i]!.endMs > 150);
      expect(gaps.length).toBeLessThanOrEqual(1); // between the two agents
    });

    test('SIGTERM delivers the open window, and leaves what cannot be delivered', async () => {
      const backend = await new Backend().start();
      const target = busy();
      const { home, config } = plan(backend, { window: '1m', targets: { exe: ['.*/burn'] } });
      const agent = await startAgent(home, config);
      await until(async () => (await metric(agent.url, 'profiler_frequency_hertz'))['']! > 0);
      await sleep(700);
      expect(await agent.stop()).toBe(0);
      expect(backend.of('burn')).toHaveLength(1);
      backend.answer = () => {}; // never answers
      const stuck = await startAgent(home, config);
      await sleep(700);
      expect(await stuck.stop()).toBe(0);
      expect(stuck.log()).toContain('1 profiles wait in the spool');
      target.kill();
    });
  });

  describe('HTTP', () => {
    test('profiles to pull, of everything and of one service; health, metrics, pages', async () => {
      const { home, config } = plan(await new Backend().start());
      const target = busy();
      const agent = await startAgent(home, config);
      const get = async (path: string) => {
        const response = await fetch(`${agent.url}${path}`);
        return { status: response.status, body: Buffer.from(await response.arrayBuffer()) };
      };
      const [all, some, picture] = await Promise.all(
        [
          '/debug/pprof/profile?seconds=1',
          '/debug/pprof/profile?seconds=1&service=burn',
          '/flamegraph.svg?seconds=1',
        ].map(get),
      );
      const services = (body: Buffer) =>
        new Set(decodePprof(gunzipSync(body)).samples.map(({ labels }) => labels.service_name));
      expect(services(all!.body)).toContain('burn');
      expect(services(all!.body).size).toBeGreaterThan(1);
      expect(services(some!.body)).toEqual(new Set(['burn']));
      expect(picture!.body.toString()).toContain('burn_briefly');
      for (const path of ['/healthz', '/readyz', '/', '/debug/pprof/', '/metrics']) {
        expect([path, (await get(path)).status]).toEqual([path, 200]);
      }
      expect((await get('/')).body.toString()).toContain('<td>sampling</td>');
      for (const [path, status] of [
        ['/debug/pprof/profile?seconds=0', 400],
        ['/nothing', 404],
      ] as const) {
        expect([path, (await get(path)).status]).toEqual([path, status]);
      }
      const pulls = Array.from({ length: 6 }, () => get('/debug/pprof/profile?seconds=1'));
      expect((await Promise.all(pulls)).map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 503, 503]);
      await agent.stop();
      target.kill();
    });

    /** Status of a request that says another host. */
    function statusFor(url: string, host: string): Promise<number | undefined> {
      return new Promise((resolve, reject) => {
        const call = request(`${url}/metrics`, { headers: { host } }, response => {
          response.resume();
          resolve(response.statusCode);
        });
        call.on('error', reject).end();
      });
    }

    test('a page of another site that calls this machine by its name gets nothing', async () => {
      const { home, config } = plan(await new Backend().start());
      const agent = await startAgent(home, config);
      expect(await statusFor(agent.url, 'attacker.example')).toBe(401);
      expect(await statusFor(agent.url, 'localhost:80')).toBe(200);
      await agent.stop();
    });

    test('with a token, and without it where there has to be one', async () => {
      const { home, config } = plan(await new Backend().start());
      const token = join(home, 'token');
      writeFileSync(token, 'secret\n');
      const agent = await startAgent(home, { ...config, http: { address: '0.0.0.0:0', token_file: token } });
      const url = agent.url.replace('0.0.0.0', '127.0.0.1');
      const status = async (headers: Record<string, string>) => (await fetch(`${url}/metrics`, { headers })).status;
      expect([await status({}), await status({ authorization: 'Bearer secreT' })]).toEqual([401, 401]);
      expect(await status({ authorization: 'Bearer secret' })).toBe(200);
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
      await agent.stop();
      expect(agent.log()).not.toContain('secret');
    });
  });

  test('memory above the limit: details are given up, and told', async () => {
    const backend = await new Backend().start();
    const { home, config } = plan(backend, { limits: { memory: '64MiB' } });
    const agent = await startAgent(home, config);
    await agent.says(/warn: .* of memory are in use: details are given up \(step 2\)/);
    await until(async () => (await metric(agent.url, 'profiler_frequency_hertz'))['']! < HZ);
    await until(() => backend.received.length > 0);
    await agent.stop();
  });
});

describe('profiler agent --check-config', () => {
  const folder = workFolder();
  const check = (text: string) => {
    const path = join(folder, 'agent.yaml');
    writeFileSync(path, text);
    return profiler(['agent', '-c', path, '--check-config']);
  };

  test('right', () => {
    mkdirSync(join(folder, 'spool'));
    const text = `{window: 15s, frequency: 49, sinks: [{type: pyroscope-push, url: "http://127.0.0.1:4040"}], spool: {dir: ${folder}/spool}}`;
    expect(check(text)).toMatchObject({ status: 0, stderr: 'The configuration is right.\n' });
  });

  test('wrong: what and where, and how it could be', () => {
    const { status, stderr } = check('window: 15s\nfrequenzy: 49\nsinks:\n  - {type: parca, url: "ftp://here"}\n');
    expect(status).toBe(2);
    expect(stderr).toMatch(/agent\.yaml:2: .*frequenzy.*frequency/);
    expect(stderr).toMatch(/agent\.yaml:4: sinks\[0\]\.url/);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});
