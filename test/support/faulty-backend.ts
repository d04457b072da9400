/** A backend, a disk and a clock that fail as they do. Knows nothing of the test runner: benchmarks use it, too. */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { systemCode } from '../../src/errors.ts';
import { decodePprof } from './pprof.ts';

/** One profile, as its URL says it: times in milliseconds since the epoch. */
export interface Arrival {
  readonly service: string;
  readonly id: string;
  readonly startMs: number;
  readonly endMs: number;
  /** When its request had come, by our clock. */
  readonly atMs: number;
}

type Answer = (response: ServerResponse) => void;

/** Answers that mean that the profile was not taken. */
export const answers = {
  status:
    (status: number, headers: OutgoingHttpHeaders = {}): Answer =>
    response =>
      response.writeHead(status, headers).end(),
  /** The end of the answer never comes. */
  hang: (response: ServerResponse) => response.writeHead(200, { 'Content-Length': 100 }).write('{'),
  halfClose: (response: ServerResponse) =>
    response.socket?.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it'),
  garbage: (response: ServerResponse) => response.socket?.end(randomBytes(1000)),
} satisfies Record<string, unknown>;

export interface FaultyBackend {
  /** `url` of a sink of the type `http`. */
  readonly url: string;
  /** In order of arrival: what was taken and what was not. */
  readonly accepted: readonly Arrival[];
  readonly refused: readonly Arrival[];
  /** How a request is answered; it is accepted when there is no answer here. */
  fault: (arrival: Arrival) => Answer | undefined;
  close(): void;
}

/** `tls`: PEM. */
export async function openBackend(tls?: { readonly key: Buffer; readonly cert: Buffer }): Promise<FaultyBackend> {
  const accepted: Arrival[] = [];
  const refused: Arrival[] = [];
  const onRequest = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await buffer(request).catch(() => undefined);
    if (!body) return; // the agent was killed while it sent
    const [, service = '', id = '', startMs, endMs] = (request.url ?? '').split('/');
    const arrival = { service, id, startMs: Number(startMs), endMs: Number(endMs), atMs: Date.now() };
    const answer = backend.fault(arrival);
    if (answer) {
      refused.push(arrival);
      answer(response);
      return;
    }
    if (decodePprof(gunzipSync(body)).samples.length === 0) throw new Error('an empty profile came');
    accepted.push(arrival);
    response.end();
  };
  const server = tls ? createTlsServer(tls, onRequest) : createServer(onRequest);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const backend: FaultyBackend = {
    url: `http${tls ? 's' : ''}://127.0.0.1:${port}/{service}/{id}/{start}/{end}`,
    accepted,
    refused,
    fault: () => undefined,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
  return backend;
}

const hasCommand = (command: string) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
export const canCompile = hasCommand('cc');
export const canCertify = hasCommand('openssl');

/** Compiles C; the path of what came out. */
function compileText(folder: string, name: string, text: string, ...options: string[]): string {
  const output = join(folder, name);
  execFileSync('cc', ['-O2', ...options, '-x', 'c', '-o', output, '-'], { input: text });
  return output;
}

/** Shifts the wall clock of a process by the seconds in a file, which it maps and so sees at once. */
const CLOCK = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile long *shift;

__attribute__((constructor)) static void map_shift(void)
{
	void *memory = mmap(0, sizeof *shift, PROT_READ, MAP_SHARED, open(getenv("CLOCK_SHIFT"), O_RDONLY | O_CLOEXEC), 0);

	if (memory == MAP_FAILED)
		abort();
	shift = memory;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	int status = syscall(SYS_clock_gettime, clock, now);

	if (status == 0 && shift && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		now->tv_sec += *shift;
	return status;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec exact;
	int status = clock_gettime(CLOCK_REALTIME, &exact);

	now->tv_sec = exact.tv_sec;
	now->tv_usec = exact.tv_nsec / 1000;
	return status;
}

time_t time(time_t *seconds)
{
	struct timespec exact;

	clock_gettime(CLOCK_REALTIME, &exact);
	if (seconds)
		*seconds = exact.tv_sec;
	return exact.tv_sec;
}
`;

/** The wall clock of processes with this environment. */
export interface ShiftedClock {
  readonly env: NodeJS.ProcessEnv;
  readonly shiftMs: number;
  set(seconds: number): void;
}

export function shiftedClock(folder: string): ShiftedClock {
  const library = compileText(folder, 'clock.so', CLOCK, '-shared', '-fPIC');
  const file = join(folder, 'clock-shift');
  let shiftMs = 0;
  const set = (seconds: number) => {
    shiftMs = seconds * 1000;
    const shift = Buffer.alloc(8);
    shift.writeBigInt64LE(BigInt(seconds));
    writeFileSync(file, shift, { flag: existsSync(file) ? 'r+' : 'w' }); // in place: it is mapped
  };
  set(0);
  return {
    env: { LD_PRELOAD: library, CLOCK_SHIFT: file },
    get shiftMs() {
      return shiftMs;
    },
    set,
  };
}

/** A certificate for 127.0.0.1 that nobody but itself vouches for. */
export function selfSigned(folder: string) {
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile];
  execFileSync('openssl', ['req', '-x509', ...key, ...subject, '-days', '2', '-out', certFile], { stdio: 'ignore' });
  return { key: readFileSync(keyFile), cert: readFileSync(certFile), certFile };
}

/** Damages a file in its middle. */
export function flipByte(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1]! ^= 0xff;
  writeFileSync(path, bytes);
}

/** A file system of its own. */
export interface Disk {
  readOnly(is: boolean): void;
  /** Takes all of the space that is left; free() gives it back. */
  fill(): void;
  free(): void;
  unmount(): void;
}

/** Mounts 1 MiB of memory; undefined when the user may not. */
export function mountDisk(folder: string): Disk | undefined {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'mode=700,size=1m', 'none', folder]);
  if (status !== 0) return undefined;
  const ballast = join(folder, 'ballast');
  return {
    readOnly: is => void execFileSync('mount', ['-o', `remount,${is ? 'ro' : 'rw'}`, folder]),
    fill() {
      try {
        writeFileSync(ballast, Buffer.alloc(2 << 20));
      } catch (error) {
        if (systemCode(error) !== 'ENOSPC') throw error;
      }
    },
    free: () => unlinkSync(ballast),
    unmount: () => void spawnSync('umount', ['-l', folder]),
  };
}

export const canMount = (() => {
  const folder = mkdtempSync(join(tmpdir(), 'profiler-'));
  const disk = mountDisk(folder);
  disk?.unmount();
  rmSync(folder, { recursive: true });
  return disk !== undefined;
})();
