/** `profiler agent`: its options. */
import { Command, InvalidArgumentError } from 'commander';
import type { AgentFlags } from './agent.ts';
import { hertz } from './record-flags.ts';
import { tuneV8 } from './v8-flags.ts';

const EXAMPLES = `
Examples:
  sudo profiler agent                                 everything, kept on this machine; see profiler query
  sudo profiler agent --config /etc/ebpf-profiler/agent.yaml
  profiler agent --config agent.yaml --check-config   says whether it is right, and changes nothing

  # agent.yaml: the smallest one that uploads
  sinks: [{type: pyroscope-push, url: "http://127.0.0.1:4040"}]

SIGHUP reads the configuration again, SIGTERM delivers what there is and ends within 5 s.
Every key can be an environment variable too: PROFILER_WINDOW=30s. Flags go over the environment, that over the file.
docs/agent.md has the rest.`;

function label(value: string, previous: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const [, name, text] = /^([^=]+)=(.*)$/s.exec(value) ?? [];
  if (name === undefined || text === undefined) throw new InvalidArgumentError('It has to be name=value.');
  return { ...previous, [name]: text };
}

export function agentCommand(): Command {
  return new Command('agent')
    .description('sample all the time, and upload to Pyroscope, Parca and others')
    .option('-c, --config <file>', 'configuration, YAML or JSON')
    .option('--check-config', 'read the configuration, say what is wrong with it, and end', false)
    .option('-F, --frequency <hz>', 'samples a second on each CPU', hertz)
    .option('-e, --event <event>', 'what to sample, as perf list names it')
    .option('--window <duration>', 'how long one profile lasts, such as 15s')
    .option('--label <name=value>', 'a label of every series; may repeat', label, {})
    .option('--max-memory <size>', 'resident memory of the agent, at most, such as 256MiB')
    .option('--http <address>', 'where profiles, metrics and health are served: host:port, or off')
    .option('--log-level <level>', 'error, warn, info or debug')
    .option('--keep-capabilities', 'go on as root with everything that root may do', false)
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .action(async (flags: AgentFlags) => {
      tuneV8('agent');
      const { agent } = await import('./agent.ts');
      process.exitCode = await agent(flags);
    });
}
