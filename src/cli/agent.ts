/** `profiler agent`: from flags and signals to a running agent. */
import { Agent } from '../agent/agent.ts';
import { type AgentConfig, loadConfig } from '../agent/config.ts';
import { openServer } from '../agent/http.ts';
import { type Log, openLog, reasonOf } from '../agent/log.ts';
import { keepNeededCapabilities } from '../agent/privileges.ts';
import { ExitCode, ProfilerError } from '../errors.ts';
import { say } from './terminal.ts';

export interface AgentFlags {
  readonly config?: string;
  readonly checkConfig: boolean;
  readonly frequency?: number;
  readonly event?: string;
  readonly window?: string;
  readonly label: Readonly<Record<string, string>>;
  readonly maxMemory?: string;
  readonly http?: string;
  readonly logLevel?: AgentConfig['log']['level'];
  readonly keepCapabilities: boolean;
}

function read(flags: AgentFlags): AgentConfig {
  return loadConfig({
    path: flags.config,
    env: process.env,
    flags: {
      frequency: flags.frequency,
      event: flags.event,
      window: flags.window,
      labels: flags.label,
      limits: { memory: flags.maxMemory },
      http: { address: flags.http },
      log: { level: flags.logLevel },
    },
  });
}

/** Whatever of the server's part has changed, the server is opened again. */
class Listener {
  #server: Awaited<ReturnType<typeof openServer>>;
  #options = '';
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  async listen(agent: Agent): Promise<void> {
    const options = JSON.stringify(agent.config.http);
    if (options === this.#options) return;
    await this.#server?.close();
    this.#options = '';
    this.#server = await openServer(agent, agent.config.http, this.#log);
    this.#options = options;
    if (this.#server) this.#log.info(`Serving ${this.#server.url}`);
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }
}

async function reload(agent: Agent, listener: Listener, flags: AgentFlags, log: Log): Promise<void> {
  try {
    await agent.reload(read(flags));
    await listener.listen(agent);
  } catch (error) {
    if (!(error instanceof ProfilerError)) throw error;
    log.error(`The configuration is not taken over: ${error.message} ${error.hint ?? ''}`);
  }
}

/** Runs until SIGTERM, SIGINT or until sampling fails. */
export async function agent(flags: AgentFlags): Promise<ExitCode> {
  const config = read(flags);
  if (flags.checkConfig) {
    say('The configuration is right.');
    return ExitCode.ok;
  }
  if (!flags.keepCapabilities) keepNeededCapabilities();
  const log = openLog(config.log);
  let end: (cause?: unknown) => void = () => {};
  const ended = new Promise<unknown>(resolve => {
    end = resolve;
  });
  const running = await Agent.start(config, log, error => end(error));
  const listener = new Listener(log);
  let reloading = Promise.resolve();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => end());
  process.on('SIGHUP', () => {
    reloading = reloading.then(() => reload(running, listener, flags, log)).catch(end);
  });
  let cause: unknown;
  try {
    await listener.listen(running);
    cause = await ended;
  } catch (error) {
    cause = error;
  }
  if (cause === undefined) log.info('Ending.');
  await listener.close();
  await running.stop();
  if (cause instanceof ProfilerError) throw cause;
  if (cause === undefined) return ExitCode.ok;
  throw new ProfilerError('agent', `sampling has ended: ${reasonOf(cause)}`, { exitCode: ExitCode.failure, cause });
}
