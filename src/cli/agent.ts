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

/** The agent's server, which can be opened again with other options. */
class Listener {
  #server: Awaited<ReturnType<typeof openServer>>;
  #options: AgentConfig['http'] | undefined;
  readonly #agent: Agent;
  readonly #log: Log;

  constructor(agent: Agent, log: Log) {
    this.#agent = agent;
    this.#log = log;
  }

  /** Listens as it is told. Throws a ProfilerError when it cannot, and goes on as before then. */
  async listen(options: AgentConfig['http']): Promise<void> {
    const before = this.#options;
    // Files that the options name may have other contents now.
    const isSame = JSON.stringify(options) === JSON.stringify(before) && !options.tls && !options.token_file;
    if (isSame) return;
    await this.#server?.close();
    try {
      await this.#open(options);
    } catch (error) {
      if (before) await this.#open(before);
      throw error;
    }
  }

  async #open(options: AgentConfig['http']): Promise<void> {
    this.#server = await openServer(this.#agent, options, this.#log);
    this.#options = options;
    if (this.#server) this.#log.info(`Serving ${this.#server.url}`);
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }
}

/** Takes the configuration over as a whole, or nothing of it. */
async function reload(agent: Agent, listener: Listener, flags: AgentFlags, log: Log): Promise<void> {
  const before = agent.config;
  try {
    const config = read(flags);
    await listener.listen(config.http);
    try {
      await agent.reload(config);
    } catch (error) {
      await listener.listen(before.http);
      throw error;
    }
    log.configure(config.log);
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
  // Before anything that takes time: a signal that nobody expects ends the process.
  let reloading = Promise.resolve();
  let reloadAgain = () => {};
  process.on('SIGHUP', () => reloadAgain());
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => end());
  const running = await Agent.start(config, log, error => end(error));
  const listener = new Listener(running, log);
  reloadAgain = () => {
    reloading = reloading.then(() => reload(running, listener, flags, log)).catch(end);
  };
  let cause: unknown;
  try {
    await listener.listen(config.http);
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
