import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Profile } from 'pprof-format';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSink, sinkOptions } from '../../src/sinks/index.ts';
import { DeliveryError, type Upload } from '../../src/sinks/sink.ts';
import { type OtlpProfile, type OtlpRequest, startOtlpReceiver } from '../servers/otlp.ts';
import { type Parca, startParca } from '../servers/parca.ts';
import { type Pyroscope, startPyroscope } from '../servers/pyroscope.ts';
import { type Recording, readRecording, type Stacks, shift, stacksOf, total } from '../servers/recording.ts';
import {
  compile,
  needsBpf,
  obstacle,
  profiler,
  start,
  startProfiler,
  stopAll,
  workFolder,
} from '../support/profiler.ts';
import { answers, eventually, freePorts, hasServer, needsServer, stopServers } from '../support/servers.ts';

const SAMPLES = 0;
const CPU = 1;
const hasGo = spawnSync('go', ['version']).status === 0;

describe.skipIf(obstacle)(needsBpf('a recording that is sent'), () => {
  const folder = workFolder();
  let recording: Recording;
  let range: { startMs: number; endMs: number };

  beforeAll(() => {
    // Statically linked: every frame has a name, so that nothing hangs on how a server shows one without.
    const burn = compile(folder, 'burn.c', '-static');
    const path = join(folder, 'burn.pb.gz');
    expect(profiler(['record', '-F', '999', '-o', path, '--', burn, '500']).status).toBe(0);
    recording = readRecording(path);
    expect(total(stacksOf(recording, SAMPLES))).toBeGreaterThan(400);
    range = { startMs: Math.floor(recording.startMs) - 60_000, endMs: Math.ceil(recording.startMs) + 60_000 };
  });
  afterAll(stopServers);

  /** What becomes of uploads: accepted, retry or rejected. */
  async function send(type: string, url: string, ...uploads: readonly Upload[]): Promise<string> {
    const sink = await openSink(sinkOptions.parse({ type, url }));
    try {
      await sink.send(uploads, AbortSignal.timeout(20_000));
      return 'accepted';
    } catch (error) {
      if (error instanceof DeliveryError) return error.kind;
      throw error;
    } finally {
      sink.close();
    }
  }

  /** One half of the samples. */
  const half = (which: 0 | 1) => (pprof: Profile) => {
    pprof.sample = pprof.sample.filter((_, i) => i % 2 === which);
  };
  /** Both halves as parts: the second one is a millisecond later. */
  const parts = (service: string) => [
    recording.upload(service, half(0)),
    recording.upload(service, pprof => {
      half(1)(pprof);
      shift(1)(pprof);
    }),
  ];

  describe.skipIf(!hasServer('pyroscope')).each([
    ['Pyroscope', false],
    ['Pyroscope with the storage of version 2', true],
  ])(needsServer('pyroscope', '%s'), (_, v2) => {
    let pyroscope: Pyroscope;
    const cpu = 'process_cpu:cpu:nanoseconds:cpu:nanoseconds';
    const query = (service: string, type = cpu) => ({ type, selector: `{service_name="${service}"}`, ...range });
    const stacks = async (service: string, type = cpu): Promise<Stacks> =>
      stacksOf(await pyroscope.merge(query(service, type)), 0);
    beforeAll(async () => {
      pyroscope = await startPyroscope({ v2 });
    });

    test.each(['pyroscope-push', 'pyroscope-ingest', 'otlp'])('%s: is read back as it was', async type => {
      const service = `all-by-${type}`;
      expect(await send(type, pyroscope.url, recording.upload(service))).toBe('accepted');
      const expected = stacksOf(recording, CPU);
      expect(
        await eventually(
          () => stacks(service),
          found => total(found) > 0,
        ),
      ).toEqual(expected);
      expect(await pyroscope.total(query(service))).toBe(total(expected));
      const points = await pyroscope.series(query(service), 'zone', 1);
      expect(points).toEqual({ [`zone of ${service}`]: [{ timeMs: expect.any(Number), value: total(expected) }] });
      // A point stands at the end of its step.
      const [{ timeMs = 0 } = {}] = Object.values(points)[0] ?? [];
      expect(Math.abs(timeMs - recording.startMs)).toBeLessThanOrEqual(1000);
      expect(await pyroscope.labelValues('zone', query(service))).toEqual([`zone of ${service}`]);
    });

    test.each(['pyroscope-push', 'pyroscope-ingest'])('%s: with all its sample types', async type => {
      const service = `types-by-${type}`;
      expect(await send(type, pyroscope.url, recording.upload(service))).toBe('accepted');
      const samples = () => stacks(service, 'process_cpu:samples:count:cpu:nanoseconds');
      expect(await eventually(samples, found => total(found) > 0)).toEqual(stacksOf(recording, SAMPLES));
    });

    test.each(['pyroscope-push', 'pyroscope-ingest'])('%s: parts add up', async type => {
      const service = `parts-by-${type}`;
      expect(await send(type, pyroscope.url, ...parts(service))).toBe('accepted');
      const expected = stacksOf(recording, CPU);
      expect(
        await eventually(
          () => stacks(service),
          found => total(found) >= total(expected),
        ),
      ).toEqual(expected);
    });

    const many = (pprof: Profile) => {
      pprof.sample = Array.from({ length: 17_000 }, (_, i) => pprof.sample[i % pprof.sample.length]!);
    };
    describe.each(['pyroscope-push', 'pyroscope-ingest'])('%s', type => {
      test.each<[string, string, (pprof: Profile) => void, number]>([
        ['two hours old', 'rejected', shift(-7_200_000), 0],
        ['an hour in the future', 'rejected', shift(3_600_000), 0],
        ['of more than 16,000 samples', 'rejected', many, 0],
        ['larger than a profile may be', 'rejected', () => {}, 5_000_000],
        ['larger than what may come at once', 'retry', () => {}, 2_200_000],
      ])('what is %s is %s', async (_, verdict, change, padding) => {
        expect(await send(type, pyroscope.url, recording.upload('refused', change, padding))).toBe(verdict);
      });
    });
  });

  describe.skipIf(!hasServer('parca'))(needsServer('parca', 'Parca'), () => {
    let parca: Parca;
    const query = (service: string, type = 'cpu:nanoseconds') =>
      `process_cpu:${type}:cpu:nanoseconds:delta{service_name="${service}"}`;
    const stacks = async (text: string) => stacksOf(await parca.merge(text, range), 0);
    beforeAll(async () => {
      parca = await startParca();
    });

    test('is read back as it was', async () => {
      expect(await send('parca', parca.url, recording.upload('all'))).toBe('accepted');
      const expected = stacksOf(recording, CPU);
      const found = await eventually(
        () => parca.series(query('all'), range),
        series => series.length > 0,
      );
      const timeMs = Math.floor(recording.startMs / 1000) * 1000;
      const durationNs = Number(recording.raw.durationNanos);
      expect(found.map(({ points }) => points)).toEqual([[{ timeMs, value: total(expected), durationNs }]]);
      expect(await stacks(query('all'))).toEqual(expected);
      // Samples are shown times their period.
      expect(await stacks(query('all', 'samples:count'))).toEqual(expected);
      expect(await parca.labelValues('zone')).toContain('zone of all');
    });

    test('parts add up', async () => {
      expect(await send('parca', parca.url, ...parts('parts'))).toBe('accepted');
      const expected = stacksOf(recording, CPU);
      await eventually(
        () => parca.series(query('parts'), range),
        series => series.length > 0,
      );
      expect(await stacks(query('parts'))).toEqual(expected);
    });

    test('what cannot be the name of a series, and what is too large, is rejected', async () => {
      const misnamed = { ...recording.upload('misnamed'), name: 'process cpu' };
      expect(await send('parca', parca.url, misnamed)).toBe('rejected');
      const large = recording.upload('large', () => {}, 65 << 20);
      // Gzipped it is small; what counts is what travels.
      expect(await send('parca', parca.url, { ...large, pprof: Buffer.alloc(65 << 20) })).toBe('rejected');
    });
  });

  describe.skipIf(!hasServer('otlp-receiver'))(needsServer('otlp-receiver', 'OTLP'), () => {
    function namedStacks({ dictionary }: OtlpRequest, { samples }: OtlpProfile): Stacks {
      const { stackTable, locationTable, functionTable, stringTable } = dictionary;
      const functionsAt = (location: number) =>
        (locationTable[location]?.lines ?? []).map(({ functionIndex = 0 }) => {
          return stringTable[functionTable[functionIndex]?.nameStrindex ?? 0] ?? '';
        });
      const rows = samples.map(({ stackIndex = 0, values }) => ({
        frames: (stackTable[stackIndex]?.locationIndices ?? []).flatMap(functionsAt).toReversed(),
        values: values.map(Number),
        labels: {},
      }));
      return stacksOf({ samples: rows }, 0);
    }

    test('is read back as it was', async () => {
      const receiver = await startOtlpReceiver();
      expect(await send('otlp', receiver.url, recording.upload('all'))).toBe('accepted');
      const [request] = await eventually(
        async () => receiver.requests(),
        requests => requests.length > 0,
      );
      const { stringTable } = request!.dictionary;
      const profiles = request!.resourceProfiles.flatMap(({ scopeProfiles }) => scopeProfiles.flatMap(s => s.profiles));
      const units = profiles.map(({ sampleType: { typeStrindex = 0, unitStrindex = 0 } }) => {
        return [stringTable[typeStrindex], stringTable[unitStrindex]];
      });
      expect(units).toEqual([
        ['samples', 'count'],
        ['cpu', 'nanoseconds'],
      ]);
      for (const [i, profile] of profiles.entries()) {
        expect(namedStacks(request!, profile)).toEqual(stacksOf(recording, i));
        expect(Number(profile.timeUnixNano)).toBe(Number(recording.raw.timeNanos));
        expect(Number(profile.durationNano)).toBe(Number(recording.raw.durationNanos));
      }
    });
  });

  describe.skipIf(!hasServer('parca'))(needsServer('parca', 'the agent'), () => {
    const config = join(folder, 'agent.yaml');
    let parca: Parca;
    let url: string;
    let agent: ReturnType<typeof startProfiler>;
    const series = (selector: string) => {
      const query = `process_cpu:cpu:nanoseconds:cpu:nanoseconds:delta{${selector}}`;
      return parca.series(query, { startMs: recording.startMs, endMs: Date.now() + 60_000 });
    };

    beforeAll(async () => {
      const [port] = await freePorts(1);
      url = `http://127.0.0.1:${port}`;
      const profiles =
        '{memory: {enabled: false}, block: {enabled: false}, mutex: {enabled: false}, goroutine: {enabled: false}}';
      parca = await startParca(`scrape_configs:
  - job_name: scraped
    scrape_interval: 2s
    static_configs: [{targets: ['127.0.0.1:${port}']}]
    profiling_config: {pprof_config: ${profiles}}
`);
      writeFileSync(config, `window: 1s\nfrequency: 199\nsinks: [{type: parca, url: "${parca.url}"}]\n`);
      const env = { ...process.env, STATE_DIRECTORY: join(folder, 'state') };
      agent = startProfiler(['agent', '-c', config, '--http', `127.0.0.1:${port}`], { env });
      await eventually(
        () => answers(url).catch(() => false),
        up => up,
      );
    });
    afterAll(stopAll);

    test('uploads what a process did', async () => {
      const burn = start(join(folder, 'burn'), ['2000']);
      await once(burn, 'exit');
      const sum = (found: Awaited<ReturnType<typeof series>>) =>
        found.flatMap(({ points }) => points).reduce((all, { value }) => all + value, 0);
      const found = await eventually(
        () => series('service_name="burn"'),
        points => sum(points) > 1.8e9,
      );
      expect(sum(found)).toBeLessThan(2.4e9);
    });

    test('is scraped by Parca', async () => {
      expect(
        await eventually(
          () => series('job="scraped"'),
          found => found.length > 0,
        ),
      ).not.toEqual([]);
    });

    test.skipIf(!hasGo)(hasGo ? 'is read by go tool pprof' : 'is read by go tool pprof (needs Go)', async () => {
      const burn = start(join(folder, 'burn'), ['60000']);
      const args = ['tool', 'pprof', '-top', `${url}/debug/pprof/profile?seconds=2`];
      const { stdout } = await promisify(execFile)('go', args, { env: { ...process.env, PPROF_TMPDIR: folder } });
      expect(stdout).toMatch(/^ +[\d.]+m?s .* burn_briefly$/m);
      burn.kill();
    });

    test('ends by SIGTERM with status 0', async () => {
      agent.child.kill('SIGTERM');
      expect((await agent.ended).status).toBe(0);
    });
  });
});
