import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Document, parseAllDocuments } from 'yaml';
import type { Agent } from '../../src/agent/agent.ts';
import { type AgentConfig, loadConfig } from '../../src/agent/config.ts';
import { agentMetrics, newTableDelays } from '../../src/agent/metrics.ts';
import { packageRoot } from '../../src/package.ts';
import { DROP_REASONS } from '../../src/spool/queue.ts';
import { testFolder } from '../support/folder.ts';

const folder = testFolder();

function read(path: string): string {
  return readFileSync(`${packageRoot}${path}`, 'utf8');
}

/** The first group of each match. */
function all(pattern: RegExp, text: string): string[] {
  return Array.from(text.matchAll(pattern), ([, group]) => group ?? '');
}

function load(text: string, env: NodeJS.ProcessEnv = {}): AgentConfig {
  const path = folder('agent.yaml');
  writeFileSync(path, text);
  return loadConfig({ path, env: { STATE_DIRECTORY: '/state', ...env } });
}

/** What an agent keeps that was started as root, in capitals and without `CAP_`. */
function neededCapabilities(): string[] {
  const [table = ''] = all(/const NEEDED\b.*?\{(.*?)\n\};/gs, read('src/agent/privileges.ts'));
  return all(/^ {2}(\w+): \d+,/gm, table)
    .map(name => name.toUpperCase())
    .sort();
}

describe('docs/agent.md', () => {
  const text = read('docs/agent.md');

  test('has a row for each metric, with its type and labels, and no others', () => {
    // Nothing is asked of the agent before somebody wants values.
    const metrics = agentMetrics({ tableDelays: newTableDelays() } as Agent).getMetricsAsArray();
    const rows = metrics.map(metric => {
      const labels: readonly string[] = Reflect.get(metric, 'labelNames');
      return [metric.name, metric.constructor.name.toLowerCase(), labels.map(label => `\`${label}\``).join(', ')];
    });
    const documented = Array.from(
      text.matchAll(/^\| `((?:profiler|process)_\w+)` \| (\w+) \|(.*?)\|/gm),
      ([, name = '', type = '', labels = '']) => [name, type, labels.trim()],
    );
    expect(documented.length).toBeGreaterThan(20);
    expect(documented.sort()).toEqual(rows.sort());
    const named = new Set(all(/`((?:profiler|process)_[a-z_]+)`/g, text));
    expect([...named].sort()).toEqual(metrics.map(({ name }) => name).sort());
  });

  test('says every reason for which a profile is dropped', () => {
    const [values = ''] = all(/Values of `reason`:(.*?)\n\n/gs, text);
    expect(all(/`(\w+)`/g, values).sort()).toEqual([...DROP_REASONS].sort());
  });

  test('says every message that is a warning or an error', () => {
    const folders = ['src/agent/', 'src/spool/'].flatMap(path =>
      readdirSync(packageRoot + path).map(name => path + name),
    );
    const code = [...folders, 'src/identity/kubelet.ts', 'src/cli/agent.ts'].map(read).join('\n');
    const messages = all(/\b(?:log|report)(?:\.warn|\.error)?\(\s*[`']([^`']+)[`']/g, code);
    expect(messages.length).toBeGreaterThan(12);
    for (const message of messages) {
      const [longest] = message.split(/\$\{[^}]*\}/).sort((a, b) => b.length - a.length);
      expect(text).toContain(longest);
    }
  });

  test('says every capability that is kept', () => {
    expect(neededCapabilities()).toContain('BPF');
    expect(all(/^\| `CAP_(\w+)` \|/gm, text).sort()).toEqual(neededCapabilities());
  });

  test('every configuration in it is right', () => {
    const examples = all(/^```yaml\n(.*?)^```/gms, text).map(example => load(example));
    const types = examples.map(({ sinks }) => sinks.map(({ type }) => type));
    expect(types).toEqual([['pyroscope-push'], ['parca'], ['otlp'], ['directory']]);
  });

  test('its links lead somewhere', () => {
    const links = all(/\]\((?!http)([^)#]+)[^)]*\)/g, text);
    expect(links).toContain('agent-config.md');
    expect(links.filter(link => !existsSync(`${packageRoot}docs/${link}`))).toEqual([]);
  });
});

test('docs/deploy/agent.yaml is right', () => {
  expect(load(read('docs/deploy/agent.yaml'))).toMatchObject({ sinks: [{ type: 'directory' }] });
});

describe('docs/deploy/ebpf-profiler.service', () => {
  const unit = read('docs/deploy/ebpf-profiler.service');
  const values = (key: string) => all(new RegExp(`^${key}=(.*)$`, 'gm'), unit).flatMap(value => value.split(' '));

  test.each(['AmbientCapabilities', 'CapabilityBoundingSet'])('%s are those that the agent needs', key => {
    const wanted = neededCapabilities().map(name => `CAP_${name}`);
    expect(values(key).sort()).toEqual(wanted);
  });

  test('its user is the one that systemd-sysusers makes', () => {
    expect(values('User')).toEqual(all(/^u (\S+)/gm, read('docs/deploy/ebpf-profiler.sysusers.conf')));
  });

  test('names no setting that it says to be left out', () => {
    const leftOut = ['ProtectKernelTunables', 'ProtectKernelLogs', 'ProcSubset', 'PrivateUsers', 'PrivateTmp'];
    expect([...leftOut, 'MemoryDenyWriteExecute', 'PrivateNetwork'].flatMap(values)).toEqual([]);
  });

  const canVerify = spawnSync('systemd-analyze', ['--version']).status === 0;
  test.skipIf(!canVerify)('systemd knows every setting (needs systemd-analyze)', () => {
    const path = folder('ebpf-profiler.service');
    writeFileSync(path, unit.replace(/^ExecStart=profiler/m, 'ExecStart=/bin/true'));
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', path], { encoding: 'utf8' });
    const said = stderr.split('\n').filter(line => line.includes('ebpf-profiler.service'));
    expect({ status, said }).toEqual({ status: 0, said: [] });
  });
});

describe('docs/deploy/daemonset.yaml', () => {
  const documents = parseAllDocuments(read('docs/deploy/daemonset.yaml')) as Document.Parsed[];
  const byKind = new Map(documents.map(document => [String(document.get('kind')), document]));
  const container = ['spec', 'template', 'spec', 'containers', 0];
  const json = (kind: string, path: readonly (string | number)[]): unknown => {
    const value = byKind.get(kind)?.getIn(path, true);
    return JSON.parse(JSON.stringify(value ?? null));
  };

  /** As the container has it: what Kubernetes looks up is the name of the field. */
  function environment(): Record<string, string> {
    const env: Record<string, string> = {};
    const variables = json('DaemonSet', [...container, 'env']) as {
      readonly name: string;
      readonly value?: string;
      readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } };
    }[];
    for (const { name, value, valueFrom } of variables) {
      env[name] =
        valueFrom?.fieldRef.fieldPath ?? (value ?? '').replace(/\$\((\w+)\)/g, (_, other) => env[other] ?? '');
    }
    return env;
  }

  test('is YAML without errors, of the objects that belong together', () => {
    expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
    expect([...byKind.keys()]).toEqual([
      ...['Namespace', 'ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'ConfigMap', 'DaemonSet'],
    ]);
  });

  test('its configuration is right, with its environment', () => {
    const config = load(String(json('ConfigMap', ['data', 'agent.yaml'])), environment());
    expect(config).toMatchObject({
      labels: { hostname: 'spec.nodeName' },
      kubernetes: { kubelet: 'https://status.hostIP:10250' },
      spool: { dir: '/var/lib/ebpf-profiler/spool' },
      http: { address: { port: json('DaemonSet', [...container, 'ports', 0, 'containerPort']) } },
    });
  });

  test('every file that the configuration names is mounted', () => {
    const { http, spool } = load(String(json('ConfigMap', ['data', 'agent.yaml'])), environment());
    const mounts = json('DaemonSet', [...container, 'volumeMounts']) as { name: string; mountPath: string }[];
    const volumes = json('DaemonSet', ['spec', 'template', 'spec', 'volumes']) as { name: string }[];
    expect(mounts.map(({ name }) => name)).toEqual(volumes.map(({ name }) => name));
    for (const path of [http.token_file, spool.dir, '/etc/ebpf-profiler/agent.yaml', '/sys/kernel/btf/vmlinux']) {
      expect(mounts.filter(({ mountPath }) => path?.startsWith(`${mountPath}/`)).map(() => path)).toEqual([path]);
    }
  });

  test('its container has the capabilities that the agent needs, and no other right', () => {
    expect(json('DaemonSet', [...container, 'securityContext'])).toMatchObject({
      privileged: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'], add: expect.arrayContaining(neededCapabilities()) },
    });
    const added = json('DaemonSet', [...container, 'securityContext', 'capabilities', 'add']) as string[];
    expect(added).toHaveLength(neededCapabilities().length);
  });

  test('is probed where no token is needed', () => {
    const paths = ['livenessProbe', 'readinessProbe'].map(probe => {
      return json('DaemonSet', [...container, probe, 'httpGet', 'path']);
    });
    const [open = ''] = all(/^const OPEN = (.*);$/gm, read('src/agent/http.ts'));
    expect(all(/'([^']*)'/g, open)).toEqual(paths);
  });
});
