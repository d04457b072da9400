/**
 * What /proc/PID/cgroup (cgroups(7)) tells of a process: its container, its pod, its systemd unit. The names are those
 * that the container runtimes, kubelet and systemd give to their cgroups.
 */

export type Runtime = 'docker' | 'containerd' | 'cri-o' | 'podman' | 'lxc' | 'systemd-nspawn' | 'unknown';

export interface Container {
  /** 64 hex digits, or the name where the runtime knows names only (lxc, systemd-nspawn). */
  readonly id: string;
  readonly runtime: Runtime;
}

/** A systemd unit. */
export interface Unit {
  /** With its type, escaped as systemctl shows it: `nginx.service`, `session-2.scope`. */
  readonly name: string;
  /** It belongs to a user's session or to a user's own systemd. */
  readonly user: boolean;
}

export interface Cgroup {
  /** The path of the process's cgroup: that of cgroup v2, or, where it is the root, the first of v1 that is not. */
  readonly path: string;
  readonly container: Container | undefined;
  /** Lower-case, with dashes; a static pod has 32 hex digits without. */
  readonly podUid: string | undefined;
  readonly unit: Unit | undefined;
}

/** A line is longer than this only when it was made to be. The kernel's own limit of a path is 4096 (PATH_MAX). */
const MAX_LINE = 8192;
const MAX_LINES = 64;
/** More than any real path; what lies deeper is left out. */
const MAX_COMPONENTS = 64;

const RUNTIMES: Readonly<Record<string, Runtime>> = {
  docker: 'docker',
  'cri-containerd': 'containerd',
  containerd: 'containerd',
  nerdctl: 'containerd',
  crio: 'cri-o',
  libpod: 'podman',
  'libpod-payload': 'podman',
};
// docker-ID.scope, crio-ID, libpod-payload-ID; kubepods-podUID.slice:cri-containerd:ID. Not crio-conmon-ID: the monitor.
const PREFIXED_ID = /^(?:.+:)?([a-z-]+)[-:]([0-9a-f]{64})(?:\.scope)?$/;
const BARE_ID = /^[0-9a-f]{64}$/;
const LXC = /^lxc\.payload\.(.+)$/;
/** Not those of virtual machines, which libvirt calls machine-qemu\x2d… */
const NSPAWN = /^(?:systemd-nspawn@(.+)\.service|machine-(?!qemu\\x2d)(.+)\.scope)$/;
// kubepods-burstable-pod0a1b_….slice; also kubelet-kubepods-… of kind, and …slice:cri-containerd:ID.
const POD_SLICE = /(?:^|-)kubepods(?:-[a-z]+)?-pod([0-9a-f_]{32,36})\.slice(?::|$)/;
const POD = /^pod([0-9a-f-]{32,36})$/;
const UNIT = /^.+\.(?:service|scope|socket|mount|swap)$/;
const USER = /^(?:user@\d+\.service|user-\d+\.slice)$/;

/** `\x2d` and the like, as systemd.unit(5) escapes names. */
export function unescapeUnit(name: string): string {
  return name.replace(/(?:\\x[0-9a-f]{2})+/g, escapes =>
    Buffer.from(escapes.replaceAll('\\x', ''), 'hex').toString('utf8'),
  );
}

/** The container of the i-th component, whose processes are all in it. */
function containerAt(components: readonly string[], i: number): Container | undefined {
  const name = components[i]!;
  const parent = components[i - 1] ?? '';
  const [, prefix = '', id = ''] = PREFIXED_ID.exec(name) ?? [];
  const runtime = Object.hasOwn(RUNTIMES, prefix) ? RUNTIMES[prefix] : undefined;
  if (runtime) return { id, runtime };
  if (BARE_ID.test(name)) return { id: name, runtime: parent === 'docker' ? 'docker' : 'unknown' };
  const lxc = parent === 'lxc' || parent === 'lxc.payload' ? name : LXC.exec(name)?.[1];
  if (lxc) return { id: lxc, runtime: 'lxc' };
  const nspawn = NSPAWN.exec(name);
  const machine = nspawn?.[1] ?? nspawn?.[2];
  // Beside the payload runs systemd-nspawn itself.
  if (machine && components[i + 1] !== 'supervisor') return { id: unescapeUnit(machine), runtime: 'systemd-nspawn' };
  return undefined;
}

function podUidOf(components: readonly string[]): string | undefined {
  for (let i = components.length - 1; i >= 0; i--) {
    const slice = POD_SLICE.exec(components[i]!);
    if (slice) return slice[1]!.replaceAll('_', '-');
    const pod = POD.exec(components[i]!);
    if (pod && components.slice(0, i).some(name => name.startsWith('kubepods'))) return pod[1];
  }
  return undefined;
}

/** The innermost unit of the components from..end-1. */
function unitOf(components: readonly string[], from: number, end: number): Unit | undefined {
  for (let i = end - 1; i >= from; i--) {
    const name = components[i]!;
    if (UNIT.test(name)) return { name, user: components.slice(from, i + 1).some(outer => USER.test(outer)) };
  }
  return undefined;
}

function describe(components: readonly string[]): Omit<Cgroup, 'path'> {
  let at = components.length - 1;
  let container: Container | undefined;
  for (; at >= 0 && !container; at--) container = containerAt(components, at);
  const inner = container ? at + 2 : 0;
  let unit = unitOf(components, inner, components.length);
  // A container of podman may be a service's own; one of another runtime only shows the runtime's service.
  if (!unit && container?.runtime === 'podman') unit = unitOf(components, 0, inner - 1);
  return { container, podUid: podUidOf(components), unit };
}

/** Seen from a cgroup namespace, a path begins with one `..` for each level that is above its root. */
function componentsOf(path: string): string[] {
  return path
    .split('/', MAX_COMPONENTS)
    .filter(name => name !== '' && name !== '..')
    .map(name => (name.startsWith('_') ? name.slice(1) : name)); // systemd's escape, cg_escape()
}

/** 0: cgroup v2; 1: where systemd keeps its units beside v1; 2: the rest. */
function rankOf(hierarchy: string, controllers: string): number {
  if (hierarchy === '0') return 0;
  return controllers === 'name=systemd' ? 1 : 2;
}

/** Parses the text of /proc/PID/cgroup: v1, v2 or both. What is not understood is left out. */
export function parseCgroup(text: string): Cgroup {
  const found: { path: string; rank: number }[] = [];
  for (const line of text.split('\n', MAX_LINES)) {
    // 12:cpu,cpuacct:/system.slice/nginx.service
    const [, hierarchy, controllers, path] = /^(\d+):([^:]*):(\/.*)$/.exec(line.slice(0, MAX_LINE)) ?? [];
    if (hierarchy === undefined || controllers === undefined || path === undefined) continue;
    const rank = rankOf(hierarchy, controllers);
    const shown = path.replace(/ \(deleted\)$/, '').replace(/^(?:\/\.\.)+(?=\/|$)/, '') || '/';
    if (shown !== '/') found.push({ path: shown, rank });
  }
  found.sort((a, b) => a.rank - b.rank);
  const first = found[0];
  if (!first) return { path: '/', container: undefined, podUid: undefined, unit: undefined };
  const described = found.map(({ path }) => describe(componentsOf(path)));
  const best = described.find(({ container }) => container) ?? described.find(({ unit }) => unit) ?? described[0]!;
  return { path: first.path, ...best };
}
