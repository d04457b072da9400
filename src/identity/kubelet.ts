/**
 * Names and labels of pods, from the kubelet of this machine or from a folder of manifests. Lookups answer from what is
 * known and never wait; what is not known is asked for in the background.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { systemCode } from '../errors.ts';
import { type Pod, readPods, type Workload, workloadOf } from './pods.ts';
import type { Identity } from './process.ts';

export interface KubernetesOptions {
  /** URL of the kubelet, without `/pods`. */
  readonly kubelet?: string | undefined;
  readonly token_file?: string | undefined;
  readonly ca_file?: string | undefined;
  readonly insecure_skip_verify: boolean;
  /** Folder of Pod or PodList manifests. */
  readonly pods_dir?: string | undefined;
}

export interface Pods {
  /** What is known of a process's pod; undefined when it is in none, or in one that is not known yet. */
  find(identity: Identity): Workload | undefined;
  /** Resolves when no request is under way. */
  idle(): Promise<void>;
  close(): void;
}

/** Between two requests, however many pods are unknown: processes of a pod that never gets known must not flood it. */
const REFRESH_MS = 30_000;
const TIMEOUT_MS = 10_000;
const MAX_BYTES = 16 * 2 ** 20;
const MAX_TOKEN_BYTES = 64 * 1024;
const MAX_FILES = 1000;

function causeOf(error: unknown): string {
  return systemCode(error) || (error instanceof Error ? error.message : String(error));
}

function readBounded(path: string, maxBytes: number): Buffer {
  const stats = statSync(path);
  if (!stats.isFile()) throw new Error(`${path} is no file`);
  if (stats.size > maxBytes) throw new Error(`${path} is larger than ${maxBytes} bytes`);
  return readFileSync(path);
}

function get(url: URL, options: https.RequestOptions): Promise<Buffer> {
  const { get: request } = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const sent = request(url, options, response => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_BYTES) sent.destroy(new Error(`its answer is larger than ${MAX_BYTES} bytes`));
        else chunks.push(chunk);
      });
      response.once('error', reject);
      response.once('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks));
        else reject(new Error(`it answered with status ${response.statusCode}`));
      });
    });
    sent.once('error', reject);
  });
}

async function askKubelet(kubelet: string, options: KubernetesOptions, signal: AbortSignal): Promise<Pod[]> {
  // Read each time: tokens are renewed every hour.
  const token = options.token_file && readBounded(options.token_file, MAX_TOKEN_BYTES).toString('utf8').trim();
  const url = new URL(kubelet);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/pods`;
  const body = await get(url, {
    agent: false,
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    headers: { Accept: 'application/json', ...(token && { Authorization: `Bearer ${token}` }) },
    rejectUnauthorized: !options.insecure_skip_verify,
    ...(options.ca_file !== undefined && { ca: readBounded(options.ca_file, MAX_BYTES) }),
  });
  return readPods(JSON.parse(body.toString('utf8')));
}

function readManifest(bytes: Buffer): Pod[] {
  const documents = parseAllDocuments(bytes.toString('utf8'), { prettyErrors: false });
  return [...documents].flatMap(document => {
    if (document.errors[0]) throw new Error(document.errors[0].message);
    return readPods(document.toJS());
  });
}

/** A file that cannot be read does not stand in the way of the others. */
function readFolder(folder: string, report: (message: string) => void): Pod[] {
  const names = readdirSync(folder).filter(name => /^[^.].*\.(?:ya?ml|json)$/.test(name));
  let left = MAX_BYTES;
  return names
    .sort((a, b) => (a < b ? -1 : 1))
    .slice(0, MAX_FILES)
    .flatMap(name => {
      try {
        const bytes = readBounded(join(folder, name), left);
        left -= bytes.length;
        return readManifest(bytes);
      } catch (error) {
        report(`cannot read the pods in ${join(folder, name)}: ${causeOf(error)}`);
        return [];
      }
    });
}

/**
 * Opens the source of pods and asks it for the first time.
 * `report`: is given a sentence when it does not answer.
 */
export function openPods(options: KubernetesOptions, report: (message: string) => void): Pods {
  let pods: ReadonlyMap<string, Pod> = new Map();
  let asked = Number.NEGATIVE_INFINITY;
  let request: Promise<void> | undefined;
  const abort = new AbortController();
  const { kubelet, pods_dir: folder = '' } = options;
  const where = kubelet === undefined ? `the pods in ${folder}` : `the kubelet at ${kubelet}`;

  async function refresh(): Promise<void> {
    try {
      const found =
        kubelet === undefined ? readFolder(folder, report) : await askKubelet(kubelet, options, abort.signal);
      pods = new Map(found.map(pod => [pod.uid, pod]));
    } catch (error) {
      if (abort.signal.aborted) return;
      report(`cannot read ${where}: ${causeOf(error)}`);
    }
  }
  function ask(): void {
    if (request || abort.signal.aborted || performance.now() - asked < REFRESH_MS) return;
    asked = performance.now();
    request = refresh().finally(() => {
      request = undefined;
    });
  }

  ask();
  return {
    find(identity) {
      if (identity.podUid === undefined) return undefined;
      const pod = pods.get(identity.podUid);
      const workload = pod && workloadOf(pod, identity);
      // A container that has been started again has another id.
      if (workload?.container === undefined) ask();
      return workload;
    },
    idle: () => request ?? Promise.resolve(),
    close: () => abort.abort(),
  };
}
