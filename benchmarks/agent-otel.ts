/**
 * The agent and the OpenTelemetry eBPF profiler on the same load at the same rate, in turns: CPU, memory, the time until
 * the first profile, complete stacks. `node dist/benchmarks/agent-otel.js [rounds] [seconds] [hz]`
 * The other one is built by test/servers/build.sh; it needs CAP_SYS_RESOURCE and tracefs.
 */
import { type OtlpReceiver, startOtlpReceiver } from '../test/servers/otlp.ts';
import { hasServer, startServer, stopServers } from '../test/support/servers.ts';
import { type Accepted, startAgent, startBackend, startLoad, until, usageOf } from './agent-support.ts';
import { median, sleep, table } from './support.ts';

const ROUNDS = Number(process.argv[2] ?? 3);
/** The receiver's log keeps about so long. */
const SECONDS = Number(process.argv[3] ?? 30);
const HZ = Number(process.argv[4] ?? 99);
/** Both deliver this often. */
const WINDOW_SECONDS = 5;
const FIRST_PROFILE_MS = 60_000;

/** What was sampled; stacks are those of samples with user frames, complete as each profiler says itself. */
interface Sampled {
  readonly samplesPerSecond: number;
  /** Per cent. */
  readonly complete: number;
}

/** Of one round. */
interface Outcome extends Sampled {
  /** Seconds from the start of the program to its first profile. */
  readonly firstProfile: number;
  /** % of one core, after the first profile. */
  readonly cpu: number;
  /** At the end, MB. */
  readonly rss: number;
}

/** CPU and memory of a process from now on. */
async function watch(pid: number): Promise<Pick<Outcome, 'cpu' | 'rss'>> {
  const [before, started] = [usageOf(pid), performance.now()];
  await sleep(SECONDS * 1000);
  const [after, seconds] = [usageOf(pid), (performance.now() - started) / 1000];
  return { cpu: (100 * (after.cpu - before.cpu)) / seconds, rss: after.rss };
}

async function runOurs(): Promise<Outcome> {
  const backend = await startBackend();
  const sinks = [{ type: 'http', url: backend.url }];
  const started = performance.now();
  const agent = await startAgent({ frequency: HZ, window: `${WINDOW_SECONDS}s`, sinks });
  const accepted: Accepted[] = [];
  const hasCome = async () => {
    accepted.push(...(await backend.accepted()));
    return accepted.length > 0;
  };
  if (!(await until(hasCome, FIRST_PROFILE_MS))) throw new Error('the agent delivers nothing');
  const firstProfile = (performance.now() - started) / 1000;
  const used = await watch(agent.pid);
  accepted.push(...(await backend.accepted()));
  await agent.stop();
  backend.close();
  const sum = (value: (one: Accepted) => number) => accepted.reduce((total, one) => total + value(one), 0);
  const seconds = WINDOW_SECONDS * new Set(accepted.map(({ endMs }) => endMs)).size;
  const complete = (100 * sum(one => one.completeStacks)) / sum(one => one.userStacks);
  return { firstProfile, ...used, samplesPerSecond: sum(one => one.samples) / seconds, complete };
}

/** Of its OTLP JSON requests what is looked at; 64 bits are decimal text. A sample stands for as many as it has times. */
interface OtelRequest {
  readonly dictionary: {
    readonly stringTable: readonly string[];
    readonly attributeTable: readonly { keyStrindex?: number; value?: { stringValue?: string } }[];
    readonly locationTable: readonly { attributeIndices?: readonly number[] }[];
    readonly stackTable: readonly { locationIndices?: readonly number[] }[];
  };
  readonly resourceProfiles: readonly {
    readonly scopeProfiles: readonly {
      readonly profiles: readonly {
        readonly samples: readonly { stackIndex?: number; timestampsUnixNano?: readonly string[] }[];
        readonly durationNano: string;
      }[];
    }[];
  }[];
}

/** The kinds of the frames of each stack. What cuts a stack off is a frame, too: `abort-marker`. */
function kindsOf({ dictionary }: OtelRequest): string[][] {
  const { stringTable, attributeTable, locationTable, stackTable } = dictionary;
  const kinds = locationTable.map(({ attributeIndices = [] }) => {
    const attributes = attributeIndices.map(index => attributeTable[index]!);
    const kind = attributes.find(({ keyStrindex = 0 }) => stringTable[keyStrindex] === 'profile.frame.type');
    return kind?.value?.stringValue ?? '';
  });
  return stackTable.map(({ locationIndices = [] }) => locationIndices.map(index => kinds[index]!));
}

function sampledBy(receiver: OtlpReceiver): Sampled {
  const requests: readonly object[] = receiver.requests();
  let [samples, seconds, userStacks, completeStacks] = [0, 0, 0, 0];
  for (const request of requests as readonly OtelRequest[]) {
    const stacks = kindsOf(request);
    const scopes = request.resourceProfiles.flatMap(({ scopeProfiles }) => scopeProfiles);
    const profiles = scopes.flatMap(scope => scope.profiles);
    seconds += Number(profiles[0]?.durationNano ?? 0) / 1e9;
    for (const { stackIndex = 0, timestampsUnixNano = [] } of profiles.flatMap(profile => profile.samples)) {
      const kinds = stacks[stackIndex]!;
      samples += timestampsUnixNano.length;
      if (kinds.every(kind => kind === 'kernel')) continue;
      userStacks += timestampsUnixNano.length;
      if (!kinds.includes('abort-marker')) completeStacks += timestampsUnixNano.length;
    }
  }
  return { samplesPerSecond: samples / seconds, complete: (100 * completeStacks) / userStacks };
}

async function runTheirs(): Promise<Outcome> {
  const receiver = await startOtlpReceiver();
  const args = [
    ...['-collection-agent', receiver.grpc, '-disable-tls', '-send-error-frames'],
    ...['-samples-per-second', `${HZ}`, '-reporter-interval', `${WINDOW_SECONDS}s`, '-reporter-jitter', '0'],
  ];
  const started = performance.now();
  const ready = async () => receiver.requests().length > 0;
  const { pid } = await startServer('otel-ebpf-profiler', 0, () => ({ url: '', args, ready }));
  const firstProfile = (performance.now() - started) / 1000;
  return { firstProfile, ...(await watch(pid)), ...sampledBy(receiver) };
}

/** What it says last, of the log that the error has. */
function reasonOf(error: unknown): string {
  const lines = String(error).trim().split('\n');
  return /msg="(.*)"/.exec(lines.at(-1)!)?.[1] ?? lines.at(-1)!;
}

function row(name: string, outcomes: readonly Outcome[]): string[] {
  const of = (value: (outcome: Outcome) => number, digits: number) => median(outcomes.map(value)).toFixed(digits);
  const used = [of(one => one.cpu, 2), of(one => one.rss, 0), of(one => one.firstProfile, 1)];
  return [name, ...used, of(one => one.samplesPerSecond, 0), `${of(one => one.complete, 2)} %`];
}

const OTHER = 'OpenTelemetry eBPF profiler';
const isBuilt = hasServer('otel-ebpf-profiler') && hasServer('otlp-receiver');
let obstacle = isBuilt ? undefined : 'it was not built; see test/servers/README.md';
const ours: Outcome[] = [];
const theirs: Outcome[] = [];
const endLoad = startLoad();
await sleep(2000);
for (let round = 0; round < ROUNDS; round++) {
  ours.push(await runOurs());
  if (obstacle !== undefined) continue;
  try {
    theirs.push(await runTheirs());
  } catch (error) {
    obstacle = reasonOf(error);
  } finally {
    await stopServers();
  }
}
endLoad();
console.log(`two compilers and 50 programs a second, everything at ${HZ} Hz, ${SECONDS} s after the first profile`);
console.log(`profiles of ${WINDOW_SECONDS} s, medians of ${ROUNDS} rounds in turns`);
if (obstacle !== undefined) console.log(`without the ${OTHER}: ${obstacle}`);
table([
  ['', 'CPU %', 'RSS MB', 'first profile s', 'samples/s', 'complete as it says'],
  row('profiler agent', ours),
  ...(theirs.length > 0 ? [row(OTHER, theirs)] : []),
]);
