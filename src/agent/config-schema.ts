/** The configuration of `profiler agent`: its keys, their defaults and what they mean. */
import { z } from 'zod';
import { PER_PROCESS } from '../identity/labels.ts';
import { compileRegex } from '../identity/regex.ts';
import { LABEL_NAME, RELABEL_ACTIONS } from '../identity/relabel.ts';
import { RELABEL_DEFAULTS, relabelProblems } from '../identity/relabel-check.ts';
import { byteSize } from '../sinks/bytes.ts';
import { age, duration } from '../sinks/duration.ts';
import { type SinkOptions, sinkOptions } from '../sinks/index.ts';
import { httpAddress, isLoopback } from './config-address.ts';

const MAX_LIST = 1000;
const MINUTE = 60_000;
const MiB = 2 ** 20;

const file = z.string().min(1, 'expected the path of a file');
const text = z.string().min(1, 'expected at least one character').max(1000, 'expected at most 1000 characters');

const regex = z
  .string()
  .max(1000, 'expected at most 1000 characters')
  .superRefine((pattern, context) => {
    try {
      compileRegex(pattern);
    } catch (error) {
      const reason = error instanceof Error ? error.message.replace(/^Invalid regular expression: /, '') : '';
      context.addIssue({ code: 'custom', message: `expected a regular expression: ${reason}` });
    }
  });

const labelName = z
  .string()
  .regex(LABEL_NAME, 'expected the name of a label: letters, digits and "_", no digit first')
  .max(200, 'expected at most 200 characters');

const staticLabelName = labelName
  .refine(name => !name.startsWith('__'), 'expected a name that does not begin with "__": those are taken away')
  .refine(name => !PER_PROCESS.includes(name), 'a series has no such label: it would be one for each process');

const targets = z
  .strictObject({
    pids: z
      .array(
        z
          .int()
          .min(1)
          .max(2 ** 22),
      )
      .max(MAX_LIST)
      .default([])
      .describe('Process ids.'),
    cgroups: z
      .array(text)
      .max(MAX_LIST)
      .default([])
      .describe('Globs of cgroup paths, with all that lies below: `system.slice/nginx*`. `**` crosses slashes.'),
    containers: z.array(text).max(MAX_LIST).default([]).describe('Globs of container ids or names: `4f2a*`, `web`.'),
    comm: z.array(regex).max(MAX_LIST).default([]).describe('Regular expressions of names of processes.'),
    exe: z.array(regex).max(MAX_LIST).default([]).describe('Regular expressions of paths of executables.'),
  })
  .prefault({})
  .describe(
    'What is profiled; everything where nothing is said. One entry of each list that is not empty has to match.',
  );

const relabelRule = z
  .strictObject({
    source_labels: z.array(labelName).max(100).default([]).describe('Labels whose values are joined.'),
    separator: z.string().max(1000).default(RELABEL_DEFAULTS.separator).describe('What stands between them.'),
    regex: regex.default(RELABEL_DEFAULTS.regex).describe('Has to match the whole of the joined values.'),
    modulus: z.int().min(1).optional().describe('`hashmod`: the hash is divided by this.'),
    target_label: z.string().max(200).optional().describe('The label that is written; `replace` allows `$1` in it.'),
    replacement: z
      .string()
      .max(1000)
      .default(RELABEL_DEFAULTS.replacement)
      .describe('What is written; `$1` and `$name` are groups of the expression.'),
    action: z.enum(RELABEL_ACTIONS).default(RELABEL_DEFAULTS.action).describe('What is done.'),
  })
  .superRefine((rule, context) => {
    for (const { key, message } of relabelProblems(rule)) {
      context.addIssue({ code: 'custom', path: [key], message });
    }
  });

const serviceRule = z.strictObject({
  match: z
    .strictObject({
      exe: regex.optional().describe('The path of the executable.'),
      comm: regex.optional().describe('The name of the process.'),
      unit: regex.optional().describe('The systemd unit with its type.'),
      container: regex.optional().describe('The id of the container or its name.'),
      cgroup: regex.optional().describe('The path of the cgroup.'),
    })
    .refine(match => Object.values(match).some(value => value !== undefined), 'expected at least one condition')
    .describe('Regular expressions that have to match whole values, each of them.'),
  name: text.describe('The `service_name` of what matches.'),
});

const kubernetes = z
  .strictObject({
    kubelet: z
      .url({ protocol: /^https?$/, error: 'expected a URL such as https://127.0.0.1:10250' })
      .optional()
      .describe('URL of the kubelet of this machine, which is asked for its pods.'),
    token_file: file.optional().describe('File with the bearer token for the kubelet; read again at each request.'),
    ca_file: file.optional().describe("File with the certificates (PEM) that the kubelet's is checked by."),
    insecure_skip_verify: z.boolean().default(false).describe('Take whatever certificate the kubelet shows.'),
    pods_dir: file.optional().describe('Folder of Pod or PodList manifests (YAML or JSON), instead of a kubelet.'),
  })
  .refine(options => (options.kubelet === undefined) !== (options.pods_dir === undefined), {
    error: 'expected either kubelet or pods_dir',
  })
  .describe('Where names and labels of pods come from. Left out: pods are known by their ids only.');

const spool = z
  .strictObject({
    dir: file.optional().describe('Folder; default `spool` in the state folder.'),
    max_bytes: byteSize.prefault('256MiB').describe('The oldest profiles are given up above this.'),
    max_age: age.prefault('24h').describe('Profiles are given up when they are older.'),
  })
  .prefault({})
  .describe('Where profiles wait on the disk until every sink has taken them.');

const limits = z
  .strictObject({
    memory: byteSize
      .refine(bytes => bytes >= 64 * MiB, 'expected at least 64MiB')
      .prefault('256MiB')
      .describe('The most resident memory of the agent; it gives up details rather than exceed it.'),
    unwind_memory: byteSize.prefault('64MiB').describe('The most kernel memory of unwind tables.'),
    series: z
      .int()
      .min(1)
      .max(10_000)
      .default(200)
      .describe('The most series (sets of labels) of one window; what comes above goes into one, `other`.'),
  })
  .prefault({})
  .describe('What the agent may take.');

const http = z
  .strictObject({
    address: httpAddress
      .prefault('127.0.0.1:4041')
      .describe('Where health, metrics and profiles are served: `host:port`, or `off`.'),
    token_file: file.optional().describe('File with the bearer token that a request has to show.'),
    tls: z
      .strictObject({
        cert_file: file.describe('Certificates, PEM.'),
        key_file: file.describe('Private key, PEM.'),
      })
      .optional()
      .describe('Serve HTTPS.'),
  })
  .refine(({ address, token_file }) => !address || token_file !== undefined || isLoopback(address.host), {
    path: ['address'],
    error: 'profiles would be open to the network: set http.token_file, or listen on 127.0.0.1',
  })
  .prefault({})
  .describe("The agent's own HTTP server.");

const log = z
  .strictObject({
    level: z.enum(['error', 'warn', 'info', 'debug']).default('info').describe('How much is said.'),
    format: z.enum(['text', 'json']).default('text').describe('Lines for people or for machines.'),
  })
  .prefault({})
  .describe('What the agent writes to standard error.');

/** Two sinks of one name would be one in the spool and in metrics. */
function checkNames(sinks: readonly SinkOptions[], context: z.RefinementCtx): void {
  const names = new Set<string>();
  sinks.forEach(({ name }, i) => {
    if (names.has(name)) {
      context.addIssue({ code: 'custom', path: [i, 'name'], message: `expected another name, "${name}" is taken` });
    }
    names.add(name);
  });
}

export const configSchema = z
  .strictObject({
    event: text.optional().describe('What is sampled; default `cycles`, or `cpu-clock` without hardware counters.'),
    frequency: z.int().min(1).max(1000).default(49).describe('Samples a second on each CPU that is busy.'),
    window: duration
      .refine(ms => ms >= 1000 && ms <= 5 * MINUTE, 'expected between 1s and 5m')
      .prefault('15s')
      .describe('How long one profile lasts.'),
    jitter: z
      .number()
      .min(0)
      .max(1)
      .default(1)
      .describe(
        'The first window is shortened by a random part of itself, at most this one, so that machines that start ' +
          'together do not upload together. 0: never.',
      ),
    unwind: z
      .enum(['auto', 'cfi', 'fp'])
      .default('auto')
      .describe('User stacks by unwind tables and frame pointers, by tables alone, by frame pointers alone.'),
    kernel_stacks: z.boolean().default(true).describe('Record the stacks of the kernel.'),
    user_stacks: z.boolean().default(true).describe('Record the stacks of programs.'),
    inlines: z.boolean().default(true).describe('Inlined calls as frames of their own, from debug information.'),
    lines: z.boolean().default(true).describe('Source files and lines, from debug information.'),
    short_names: z.boolean().default(false).describe('C++ and Rust names without parameters and template arguments.'),
    debug_dirs: z
      .array(file)
      .max(MAX_LIST)
      .default([])
      .describe('Folders that debug files are looked for in, before `/usr/lib/debug`.'),
    targets,
    labels: z
      .record(staticLabelName, z.string().max(500, 'expected at most 500 characters'))
      .default({})
      .describe(
        `Labels of every series. \${env:NAME} in a value is an environment variable, \${hostname} the name of this ` +
          'machine, which is also the default of the label hostname. An empty value takes a label away.',
      ),
    relabel: z.array(relabelRule).max(MAX_LIST).default([]).describe("Prometheus' relabel_config, in this order."),
    services: z.array(serviceRule).max(MAX_LIST).default([]).describe('Names of services; the first match counts.'),
    kubernetes: kubernetes.optional(),
    sinks: z
      .array(sinkOptions)
      .max(32)
      .superRefine(checkNames)
      .prefault([{ type: 'directory' }])
      .describe('Where profiles go; default a folder in the state folder.'),
    spool,
    limits,
    http,
    log,
  })
  .refine(config => config.kernel_stacks || config.user_stacks, {
    path: ['user_stacks'],
    error: 'expected stacks of the kernel, of programs or of both',
  })
  .describe('Configuration of profiler agent');

export type ConfigInput = z.input<typeof configSchema>;
export type ConfigOutput = z.output<typeof configSchema>;
