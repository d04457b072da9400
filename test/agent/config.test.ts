import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { describe, expect, test } from 'vitest';
import { type AgentConfig, type ConfigFlags, loadConfig } from '../../src/agent/config.ts';
import { agentSchema, agentSchemaText, type JsonSchema } from '../../src/agent/config-json-schema.ts';
import { ProfilerError } from '../../src/errors.ts';
import { compileLabels } from '../../src/identity/labels.ts';
import { compileTargets } from '../../src/identity/targets.ts';
import { packageRoot } from '../../src/package.ts';
import { identityOf } from '../identity/support.ts';
import { testFolder } from '../support/folder.ts';

const folder = testFolder();
const STATE = { STATE_DIRECTORY: '/state' };
const PATH = folder('agent.yaml');

function load(text: string, env: NodeJS.ProcessEnv = {}, flags?: ConfigFlags): AgentConfig {
  writeFileSync(PATH, text);
  return loadConfig({ path: PATH, env: { ...STATE, ...env }, flags });
}

/** The lines of what is wrong, with the name of the file only. */
function problems(text: string, env: NodeJS.ProcessEnv = {}, flags?: ConfigFlags): string[] {
  try {
    load(text, env, flags);
  } catch (error) {
    if (!(error instanceof ProfilerError)) throw error;
    expect([error.code, error.exitCode]).toEqual(['config', 2]);
    return error.message.replaceAll(PATH, 'agent.yaml').split('\n');
  }
  return [];
}

describe('what is there', () => {
  test('nothing but defaults', () => {
    expect(loadConfig({ env: STATE })).toEqual({
      event: undefined,
      frequency: 49,
      window: 15_000,
      jitter: 1,
      unwind: 'auto',
      kernel_stacks: true,
      user_stacks: true,
      inlines: true,
      lines: true,
      short_names: false,
      debug_dirs: [],
      targets: { pids: [], cgroups: [], containers: [], comm: [], exe: [] },
      labels: { hostname: hostname() },
      relabel: [],
      services: [],
      kubernetes: undefined,
      sinks: [expect.objectContaining({ type: 'directory', name: 'directory' })],
      spool: { dir: '/state/spool', max_bytes: 256 * 2 ** 20, max_age: 24 * 3_600_000 },
      limits: { memory: 256 * 2 ** 20, unwind_memory: 64 * 2 ** 20, series: 200 },
      http: { address: { host: '127.0.0.1', port: 4041 } },
      log: { level: 'info', format: 'text' },
    });
  });

  test('the smallest useful file', () => {
    const text = `{window: 15s, frequency: 49, sinks: [{type: pyroscope-push, url: "http://127.0.0.1:4040"}], spool: {dir: ${folder('spool')}}}`;
    const config = load(text);
    expect(config.sinks).toEqual([expect.objectContaining({ type: 'pyroscope-push', url: 'http://127.0.0.1:4040' })]);
    expect(config.spool.dir).toBe(folder('spool'));
  });

  test('an empty file, and one of comments', () => {
    expect(load('')).toEqual(load('# nothing\n'));
  });

  test('JSON', () => {
    expect(load('{"window": "1m", "log": {"level": "debug"}}')).toMatchObject({
      window: 60_000,
      log: { level: 'debug', format: 'text' },
    });
  });

  test('all of it frozen', () => {
    const config = load('sinks: [{type: http, url: "http://127.0.0.1/"}]');
    expect([config, config.sinks, config.sinks[0], config.http.address].every(Object.isFrozen)).toBe(true);
  });

  test('relabelling and services with what is not said', () => {
    const config = load(`
relabel:
  - {source_labels: [__meta_process_comm], target_label: comm}
services:
  - {match: {exe: '.*/java'}, name: java}
`);
    expect(config.relabel).toEqual([
      {
        source_labels: ['__meta_process_comm'],
        separator: ';',
        regex: '(.*)',
        target_label: 'comm',
        replacement: '$1',
        action: 'replace',
      },
    ]);
    expect(config.services).toEqual([{ match: { exe: '.*/java' }, name: 'java' }]);
  });
});

describe('labels', () => {
  test('take variables and the name of the machine', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as it is written
    const text = "labels: {zone: '${env:ZONE}-${hostname}', team: red, hostname: '${env:NODE}'}";
    expect(load(text, { ZONE: 'eu', NODE: 'n1' }).labels).toEqual({
      zone: `eu-${hostname()}`,
      team: 'red',
      hostname: 'n1',
    });
  });

  test('what a variable holds is not looked at again', () => {
    const value = '$' + '{env:SECRET}';
    expect(load(`labels: {a: "${'$'}{env:A}"}`, { A: value, SECRET: 'x' }).labels.a).toBe(value);
  });

  test('a variable that is not there, or is no variable', () => {
    expect(problems(`window: 1s\nlabels:\n  a: "${'$'}{env:NONE}"\n  b: "${'$'}{foo}"\n`)).toEqual([
      'agent.yaml:3: labels.a: the environment has no variable NONE',
      `agent.yaml:4: labels.b: expected ${'$'}{hostname} or ${'$'}{env:NAME}, not ${'$'}{foo}`,
    ]);
  });
});

describe('the environment is above the file, the command line above both', () => {
  const FILE = 'window: 20s\nfrequency: 30\nlabels: {a: file, b: file}\nlog: {level: warn}\n';

  test('key by key', () => {
    const env = {
      PROFILER_WINDOW: '30s',
      PROFILER_LOG__FORMAT: 'json',
      PROFILER_LABELS__b: 'env',
      PROFILER_LABELS__Team_1: 'env',
      PROFILER_KERNEL_STACKS: 'false',
      PROFILER_FREQUENCY: '',
      PROFILER_TARGETS__PIDS: '[1, 2]',
      PROFILER_HTTP__ADDRESS: 'off',
      PROFILER_SINKS: '[{type: http, url: "http://127.0.0.1/"}]',
    };
    expect(load(FILE, env, { window: '40s', labels: { a: 'flag' }, log: { level: undefined } })).toMatchObject({
      window: 40_000,
      frequency: 30,
      labels: { a: 'flag', b: 'env', Team_1: 'env' },
      kernel_stacks: false,
      targets: { pids: [1, 2], exe: [] },
      http: { address: undefined },
      sinks: [{ type: 'http' }],
      log: { level: 'warn', format: 'json' },
    });
  });

  test('a list takes the place of a list', () => {
    expect(load('targets: {pids: [1, 2, 3]}', { PROFILER_TARGETS__PIDS: '[4]' }).targets.pids).toEqual([4]);
  });

  test('what Kubernetes sets for a service called profiler is passed over', () => {
    const env = {
      PROFILER_PORT: 'tcp://10.0.0.1:4041',
      PROFILER_PORT_4041_TCP_ADDR: '10.0.0.1',
      PROFILER_SERVICE_HOST: '10.0.0.1',
      PROFILER_DEBUG: '1',
    };
    expect(load('', env)).toEqual(load(''));
  });

  test('a variable that was meant, and is misspelt', () => {
    expect(
      problems('', { PROFILER_WINDWO: '1s', PROFILER_LOG__LEVLE: 'debug', PROFILER_TARGETS__PIDS__0: '1' }),
    ).toEqual([
      '$PROFILER_LOG__LEVLE: unknown variable, "log" has no such key',
      '$PROFILER_TARGETS__PIDS__0: unknown variable, "targets" has no such key',
      '$PROFILER_WINDWO: unknown variable, did you mean PROFILER_WINDOW?',
    ]);
  });

  test('a problem names who said it', () => {
    const env = { PROFILER_FREQUENCY: 'often', PROFILER_LOG: '{level: loud}' };
    expect(problems('window: 1w\n', env, { jitter: 2 }).sort()).toEqual([
      '$PROFILER_FREQUENCY: frequency: expected a number, not a string',
      '$PROFILER_LOG: log.level: expected error, warn, info or debug',
      'agent.yaml:1: window: expected a number with its unit, such as "500ms", "10s", "1m", "2h" or "7d"',
      'command line: jitter: expected at most 1',
    ]);
  });

  test('a value that is no YAML', () => {
    expect(problems('', { PROFILER_SINKS: '[{' })).toEqual([expect.stringMatching(/^\$PROFILER_SINKS: \S/)]);
  });
});

describe('what is wrong, all of it at once', () => {
  test.each<[string, string, string[]]>([
    [
      'unknown keys',
      'frequenzy: 1\nsinks:\n  - type: http\n    url: "http://127.0.0.1"\n    tiemout: 3s\nfoo: 1\nlog: {x: 1}\n',
      [
        'agent.yaml:5: sinks[0].tiemout: unknown key, did you mean "timeout"?',
        'agent.yaml:7: log.x: unknown key, expected level or format',
        'agent.yaml:1: frequenzy: unknown key, did you mean "frequency"?',
        expect.stringMatching(/^agent\.yaml:6: foo: unknown key, expected event, frequency, .* or log$/) as string,
      ],
    ],
    [
      'types',
      'frequency: 1.5\nkernel_stacks: yes\nlabels: {version: 1.10}\ntargets: [x]\nsinks: {}\nlog: text\nspool:\n',
      [
        'agent.yaml:1: frequency: expected a whole number, not the number 1.5',
        'agent.yaml:2: kernel_stacks: expected true or false, not a string',
        'agent.yaml:4: targets: expected a map of keys, not a list',
        'agent.yaml:3: labels.version: expected a string, not the number 1.1: put it in quotes',
        'agent.yaml:5: sinks: expected a list, not a map of keys',
        'agent.yaml:7: spool: expected a map of keys, not nothing',
        'agent.yaml:6: log: expected a map of keys, not a string',
      ],
    ],
    [
      'bounds',
      'window: 100ms\nfrequency: 0\nlimits: {memory: 1MiB, series: 0}\ntargets: {pids: [0]}\n',
      [
        'agent.yaml:2: frequency: expected at least 1',
        'agent.yaml:1: window: expected between 1s and 5m',
        'agent.yaml:4: targets.pids[0]: expected at least 1',
        'agent.yaml:3: limits.memory: expected at least 64MiB',
        'agent.yaml:3: limits.series: expected at least 1',
      ],
    ],
    [
      'sinks',
      'sinks:\n  - {url: "http://127.0.0.1"}\n  - type: pyroscop\n  - type: http\n    url: ftp://127.0.0.1\n  - type: http\n',
      [
        expect.stringMatching(/^agent\.yaml:2: sinks\[0\]\.type: is missing: expected .*parca.*$/) as string,
        expect.stringMatching(/^agent\.yaml:3: sinks\[1\]\.type: expected .*pyroscope-push.*$/) as string,
        'agent.yaml:5: sinks[2].url: expected a URL that starts with http:// or https://',
        'agent.yaml:6: sinks[3].url: is missing: expected a string',
      ],
    ],
    [
      'two sinks of one name',
      'sinks:\n  - {type: http, url: "http://127.0.0.1"}\n  - {type: http, url: "http://127.0.0.2"}\n',
      ['agent.yaml:3: sinks[1].name: expected another name, "http" is taken'],
    ],
    [
      'labels',
      'labels: {a-b: x, __x: x, pid: "1"}\n',
      [
        'agent.yaml:1: labels.a-b: expected the name of a label: letters, digits and "_", no digit first',
        'agent.yaml:1: labels.__x: expected a name that does not begin with "__": those are taken away',
        'agent.yaml:1: labels.pid: a series has no such label: it would be one for each process',
      ],
    ],
    [
      'regular expressions',
      'relabel:\n  - action: keep\n    regex: "("\ntargets:\n  exe: ["(?i)a"]\nservices: [{match: {}, name: x}]\n',
      [
        'agent.yaml:5: targets.exe[0]: expected a regular expression: "(?i" is not supported: no flags, no looking ahead or behind',
        expect.stringMatching(
          /^agent\.yaml:3: relabel\[0\]\.regex: expected a regular expression: .*Unterminated/,
        ) as string,
        'agent.yaml:6: services[0].match: expected at least one condition',
      ],
    ],
    [
      'relabelling',
      'relabel:\n  - source_labels: [a]\n  - action: keepp\n  - {action: replace, target_label: pid}\n',
      [
        'agent.yaml:2: relabel[0].target_label: is missing: "replace" needs it',
        expect.stringMatching(/^agent\.yaml:3: relabel\[1\]\.action: expected replace, keep, /) as string,
        expect.stringMatching(/^agent\.yaml:4: relabel\[2\]\.target_label: a series has no label "pid"/) as string,
      ],
    ],
    [
      'kubernetes',
      'kubernetes: {kubelet: "tcp://x"}\n',
      ['agent.yaml:1: kubernetes.kubelet: expected a URL such as https://127.0.0.1:10250'],
    ],
    [
      'kubernetes from both, or from nowhere',
      'kubernetes: {kubelet: "https://127.0.0.1:10250", pods_dir: /x}\n',
      ['agent.yaml:1: kubernetes: expected either kubelet or pods_dir'],
    ],
    [
      'no stacks',
      'kernel_stacks: false\nuser_stacks: false\n',
      ['agent.yaml:2: user_stacks: expected stacks of the kernel, of programs or of both'],
    ],
  ])('%s', (_, text, expected) => {
    expect(problems(text)).toEqual(expected);
  });

  test('no more than 50, and how many more', () => {
    const text = Array.from({ length: 60 }, (_, i) => `key${i}: 1`).join('\n');
    expect(problems(text).slice(49)).toEqual([expect.stringContaining('key49'), 'and 10 more']);
  });
});

describe('the address of the HTTP server', () => {
  test.each(['127.0.0.1:4041', '127.9.9.9:1', '[::1]:4041', 'localhost:0', 'off'])('%s needs no token', address => {
    expect(problems(`http: {address: "${address}"}`)).toEqual([]);
  });

  test.each(['0.0.0.0:4041', ':4041', '[::]:4041', '[::ffff:1.2.3.4]:80', '10.0.0.1:80', 'localhost.example:80'])(
    '%s needs a token',
    address => {
      expect(problems(`http: {address: "${address}"}`)).toEqual([
        'agent.yaml:1: http.address: profiles would be open to the network: set http.token_file, or listen on 127.0.0.1',
      ]);
      expect(problems(`http: {address: "${address}", token_file: /token}`)).toEqual([]);
    },
  );

  test.each(['', 'on', '127.0.0.1', '4041', 'a:b', '127.0.0.1:65536', '[127.0.0.1]:80', '::1:80', 'a b:80'])(
    '"%s" is none',
    address => {
      expect(problems(`http: {address: "${address}"}`)).toEqual([
        'agent.yaml:1: http.address: expected "host:port", such as 127.0.0.1:4041, or "off"',
      ]);
    },
  );
});

describe('a file that is not what it should be', () => {
  test.each<[string, string, RegExp]>([
    ['no YAML', 'a: [\nb', /^agent\.yaml:2: /],
    ['a key twice', 'window: 1s\nwindow: 2s\n', /^agent\.yaml:2: Map keys must be unique$/],
    ['a list', '- a\n', /^agent\.yaml:1: expected a map of keys$/],
    ['two documents', 'a: 1\n---\nb: 1\n', /^agent\.yaml:2: .*multiple documents/],
    ['keys that are no strings', '[a]: 1\n', /^agent\.yaml:1: /],
    ['an alias of nothing', 'window: *a\n', /^agent\.yaml:1: /],
    ['lists in lists', '['.repeat(200_000), /^agent\.yaml:1: too deeply nested\n/],
    [
      'aliases of aliases',
      `a: &a [1,1,1,1,1,1,1,1,1]\n${[...'bcdefghi'].map((name, i) => `${name}: &${name} [${`*${'abcdefghi'[i]},`.repeat(9)}]`).join('\n')}\n`,
      /^agent\.yaml:1: Excessive alias count/,
    ],
    ['too large', `# ${'x'.repeat(2 ** 20)}`, /larger than 1 MiB/],
  ])('%s', (_, text, expected) => {
    expect(problems(text).join('\n')).toMatch(expected);
  });

  test('missing, a folder, a FIFO', () => {
    mkdirSync(folder('folder'));
    execFileSync('mkfifo', [folder('fifo')]);
    const messageOf = (name: string) => {
      expect(() => loadConfig({ path: folder(name), env: STATE })).toThrow(ProfilerError);
      try {
        loadConfig({ path: folder(name), env: STATE });
      } catch (error) {
        return String(error).replace(folder(name), name);
      }
    };
    expect([messageOf('none'), messageOf('folder'), messageOf('fifo')]).toEqual([
      'ProfilerError: cannot read the configuration "none": there is no such file.',
      'ProfilerError: "folder" is no file.',
      'ProfilerError: "fifo" is no file.',
    ]);
  });

  test('names of prototypes are keys like any other', () => {
    expect(problems('__proto__: {window: 1s}\nconstructor: 1\n')).toEqual([
      expect.stringMatching(/^agent\.yaml:1: __proto__: unknown key/),
      expect.stringMatching(/^agent\.yaml:2: constructor: unknown key/),
    ]);
  });
});

test('the state folder', () => {
  const spoolOf = (env: NodeJS.ProcessEnv) => loadConfig({ env }).spool.dir;
  expect(spoolOf({ STATE_DIRECTORY: '/a:/b' })).toBe('/a/spool');
  const own = process.geteuid?.() === 0 ? '/var/lib/ebpf-profiler/spool' : '/xdg/ebpf-profiler/spool';
  expect(spoolOf({ STATE_DIRECTORY: 'relative', XDG_STATE_HOME: '/xdg' })).toBe(own);
});

/** Every name of a key, wherever it stands. */
function keysOf(schema: JsonSchema): string[] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => [key, ...keysOf(inner)]);
  return [...own, ...(schema.items ? keysOf(schema.items) : []), ...(schema.oneOf ?? []).flatMap(keysOf)];
}

test('every key is in the documentation', () => {
  const text = readFileSync(`${packageRoot}docs/agent-config.md`, 'utf8');
  const named = text.match(/`[^`\n]+`/g) ?? [];
  const keys = [...new Set(keysOf(agentSchema()))];
  expect(keys).toContain('insecure_skip_verify');
  expect(keys.filter(key => !named.some(code => code.split(/\W/).includes(key)))).toEqual([]);
});

test('it is what identities are made of', () => {
  const config = load(`
labels: {hostname: h}
services: [{match: {comm: worker}, name: work}]
relabel: [{source_labels: [__meta_process_comm], target_label: comm}]
targets: {exe: [/usr/bin/.*]}
`);
  const identity = identityOf({ comm: 'worker' });
  expect(compileTargets(config.targets)(identity)).toBe(true);
  expect(compileLabels(config)(identity)).toEqual({ comm: 'worker', hostname: 'h', service_name: 'work' });
});

test('the published schema is that of the configuration (-u writes it)', async () => {
  await expect(agentSchemaText()).toMatchFileSnapshot('../../docs/agent.schema.json');
});
