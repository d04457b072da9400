import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createPlainServer, type RequestListener, type Server } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type KubernetesOptions, openPods, type Pods } from '../../src/identity/kubelet.ts';
import { testFolder } from '../support/folder.ts';
import { ID, identityOf, POD_UID } from './support.ts';

const path = testFolder();
const PROCESS = identityOf({ cgroup: `/kubepods/burstable/pod${POD_UID}/${ID}` });
const STATIC_UID = '0123456789abcdef0123456789abcdef';

const POD = {
  metadata: { name: 'cart-1', namespace: 'shop', uid: POD_UID, labels: { app: 'cart' } },
  spec: { nodeName: 'node-1', containers: [{ name: 'cart' }, { name: 'proxy' }] },
  status: { containerStatuses: [{ name: 'cart', containerID: `containerd://${ID}` }] },
};
const WORKLOAD = { namespace: 'shop', pod: 'cart-1', node: 'node-1', podLabels: { app: 'cart' }, container: 'cart' };

const close: (() => void)[] = [];
afterEach(() => {
  for (const end of close.splice(0)) end();
  vi.useRealTimers();
});

async function listening(server: Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  close.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A kubelet on loopback that answers with `answer()`. */
async function kubelet(answer: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listening(createPlainServer(answer))}`;
}

/** Opened, and done with its first question. */
async function opened(options: Partial<KubernetesOptions>): Promise<{ pods: Pods; reports: string[] }> {
  const reports: string[] = [];
  const pods = openPods({ insecure_skip_verify: false, ...options }, message => reports.push(message));
  close.push(() => pods.close());
  await pods.idle();
  return { pods, reports };
}

describe('a kubelet', () => {
  beforeAll(() => {
    const options = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    const names = ['-subj', '/CN=kubelet', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const files = ['-keyout', path('key.pem'), '-out', path('cert.pem')];
    execFileSync('openssl', ['req', '-x509', ...options, ...names, ...files], { stdio: 'ignore' });
    writeFileSync(path('token'), 'first\n');
  });

  /** With TLS, that knows one token and counts what it is asked. */
  async function secure() {
    const asked: string[] = [];
    const files = { key: readFileSync(path('key.pem')), cert: readFileSync(path('cert.pem')) };
    const server = createServer(files, (request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      response.end(JSON.stringify({ kind: 'PodList', items: [POD] }));
    });
    return { asked, url: `https://127.0.0.1:${await listening(server)}` };
  }

  test('is asked with a token, and its certificate is checked', async () => {
    const { asked, url } = await secure();
    const { pods, reports } = await opened({
      kubelet: `${url}/`,
      token_file: path('token'),
      ca_file: path('cert.pem'),
    });
    expect([asked, reports]).toEqual([['GET /pods Bearer first'], []]);
    expect(pods.find(PROCESS)).toEqual(WORKLOAD);
    expect(asked).toHaveLength(1);
  });

  test('without a certificate that is known, only when that is allowed', async () => {
    const { asked, url } = await secure();
    const { pods, reports } = await opened({ kubelet: url, token_file: path('token') });
    expect([asked, pods.find(PROCESS), reports]).toEqual([
      [],
      undefined,
      [`cannot read the kubelet at ${url}: DEPTH_ZERO_SELF_SIGNED_CERT`],
    ]);
    const insecure = await opened({ kubelet: url, insecure_skip_verify: true });
    expect([insecure.pods.find(PROCESS), asked]).toEqual([WORKLOAD, ['GET /pods undefined']]);
  });

  test('is asked again for what is unknown, every 30 s, with the token as it is then', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { asked, url } = await secure();
    const options = { kubelet: url, token_file: path('token'), ca_file: path('cert.pem') };
    const { pods } = await opened(options);
    const unknown = identityOf({ cgroup: `/kubepods/pod${POD_UID.replace('0a', 'ff')}/${ID}` });
    const look = async () => {
      expect([pods.find(unknown), pods.find(unknown)]).toEqual([undefined, undefined]);
      await pods.idle();
      return asked.length;
    };
    expect(await look()).toBe(1);
    vi.advanceTimersByTime(29_999);
    expect(await look()).toBe(1);
    writeFileSync(path('token'), 'second');
    vi.advanceTimersByTime(1);
    expect(await look()).toBe(2);
    expect(asked[1]).toBe('GET /pods Bearer second');
    expect(await look()).toBe(2);
    vi.advanceTimersByTime(30_000);
    // What is known, and what is in no pod, asks nothing.
    pods.find(PROCESS);
    pods.find(identityOf());
    await pods.idle();
    expect(asked).toHaveLength(2);
  });

  test('that fails later keeps what is known', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    let status = 200;
    const url = await kubelet((_, response) => {
      response.writeHead(status).end(JSON.stringify({ items: [POD] }));
    });
    const { pods, reports } = await opened({ kubelet: url });
    status = 500;
    vi.advanceTimersByTime(30_000);
    pods.find(identityOf({ cgroup: `/kubepods/pod${POD_UID.replace('0a', 'ff')}` }));
    await pods.idle();
    expect(reports).toEqual([`cannot read the kubelet at ${url}: it answered with status 500`]);
    expect(pods.find(PROCESS)).toEqual(WORKLOAD);
  });

  test.each<[string, RequestListener, RegExp]>([
    ['refuses', (_, response) => response.writeHead(401).end(), /it answered with status 401$/],
    ['sends elsewhere', (_, response) => response.writeHead(302, { Location: '/' }).end(), /status 302$/],
    ['answers with no JSON', (_, response) => response.end('<html>'), /JSON/],
    ['hangs up', request => request.socket.destroy(), /ECONNRESET$/],
    [
      'hangs up in the middle',
      (request, response) => {
        response.write('{"items": [');
        setImmediate(() => request.socket.destroy());
      },
      /ECONNRESET$/,
    ],
    [
      'does not end',
      (_, response) => {
        const chunk = Buffer.alloc(2 ** 20, ' ');
        const more = () => {
          while (!response.destroyed && response.write(chunk));
        };
        response.on('drain', more);
        more();
      },
      /larger than 16777216 bytes$/,
    ],
  ])('that %s', async (_, answer, message) => {
    const { pods, reports } = await opened({ kubelet: await kubelet(answer) });
    expect(reports).toEqual([expect.stringMatching(message)]);
    expect(pods.find(PROCESS)).toBeUndefined();
  });

  test('that does not answer is left alone when the agent ends', async () => {
    const reports: string[] = [];
    const server = createPlainServer();
    const url = `http://127.0.0.1:${await listening(server)}`;
    const pods = openPods({ kubelet: url, insecure_skip_verify: false }, message => reports.push(message));
    await once(server, 'request');
    expect(pods.find(PROCESS)).toBeUndefined();
    pods.close();
    await pods.idle();
    expect(reports).toEqual([]);
  });

  test('that is not there, a token that is not there', async () => {
    const { reports } = await opened({ kubelet: 'http://127.0.0.1:1' });
    const other = await opened({ kubelet: 'http://127.0.0.1:1', token_file: path('none') });
    expect([...reports, ...other.reports]).toEqual([
      'cannot read the kubelet at http://127.0.0.1:1: ECONNREFUSED',
      'cannot read the kubelet at http://127.0.0.1:1: ENOENT',
    ]);
  });
});

describe('pods', () => {
  async function found(items: unknown, identity = PROCESS) {
    const { pods } = await opened({ kubelet: await kubelet((_, response) => response.end(JSON.stringify(items))) });
    return pods.find(identity);
  }

  test.each<[string, unknown]>([
    ['nothing', null],
    ['a number', 1],
    ['items that are no list', { items: {} }],
    ['pods without metadata', { items: [null, 1, {}, { metadata: null }, { metadata: { uid: POD_UID } }] }],
    ['names that are no strings', { items: [{ metadata: { uid: POD_UID, name: {} } }] }],
    ['names without end', { items: [{ metadata: { uid: POD_UID, name: 'x'.repeat(2000) } }] }],
  ])('%s: none', async (_, answer) => {
    expect(await found(answer)).toBeUndefined();
  });

  test('with the least that there can be', async () => {
    const item = { metadata: { uid: POD_UID.toUpperCase(), name: 'p', labels: { a: 1 } }, spec: 1, status: null };
    expect(await found({ items: [item] })).toEqual({
      namespace: 'default',
      pod: 'p',
      node: '',
      podLabels: {},
      container: undefined,
    });
  });

  test('containers that prepare, and those that were added', async () => {
    const other = 'ef45'.repeat(16);
    const status = {
      containerStatuses: [{ name: 'waiting' }],
      initContainerStatuses: [{ name: 'init', containerID: `cri-o://${ID}` }],
      ephemeralContainerStatuses: [{ name: 'debug', containerID: `docker://${other}` }],
    };
    expect((await found({ items: [{ ...POD, status }] }))?.container).toBe('init');
    const added = identityOf({ cgroup: `/kubepods/pod${POD_UID}/${other}` });
    expect((await found({ items: [{ ...POD, status }] }, added))?.container).toBe('debug');
  });

  test('static ones are known by the hash of their file', async () => {
    const metadata = { ...POD.metadata, annotations: { 'kubernetes.io/config.hash': STATIC_UID } };
    const identity = identityOf({ cgroup: `/kubepods/pod${STATIC_UID}/${ID}` });
    expect((await found({ items: [{ ...POD, metadata }] }, identity))?.pod).toBe('cart-1');
  });
});

describe('a folder of manifests', () => {
  test('in YAML and JSON; what cannot be read is said, and the rest counts', async () => {
    mkdirSync(path('pods'));
    const { status: _, ...manifest } = { ...POD, spec: { containers: [{ name: 'cart' }] } };
    writeFileSync(path('pods/a.json'), JSON.stringify(manifest));
    const yaml = `metadata: {name: b, uid: ${STATIC_UID}}\n`;
    writeFileSync(path('pods/b.yaml'), `# two\nkind: Service\n---\n${yaml}`);
    writeFileSync(path('pods/c.yml'), 'a: [');
    writeFileSync(path('pods/d.txt'), 'a: [');
    writeFileSync(path('pods/.e.yml'), 'a: [');
    mkdirSync(path('pods/f.yaml'));
    const { pods, reports } = await opened({ pods_dir: path('pods') });
    // Without ids of containers, the only one of the pod is meant.
    expect(pods.find(PROCESS)).toEqual({ ...WORKLOAD, node: '' });
    expect(pods.find(identityOf({ cgroup: `/kubepods/pod${STATIC_UID}/${ID}` }))?.pod).toBe('b');
    expect(reports).toEqual([
      expect.stringContaining(`cannot read the pods in ${path('pods/c.yml')}: `),
      expect.stringContaining(`cannot read the pods in ${path('pods/f.yaml')}: ${path('pods/f.yaml')} is no file`),
    ]);
  });

  test('that is not there', async () => {
    const { pods, reports } = await opened({ pods_dir: path('none') });
    expect([pods.find(PROCESS), reports]).toEqual([undefined, [`cannot read the pods in ${path('none')}: ENOENT`]]);
  });
});
