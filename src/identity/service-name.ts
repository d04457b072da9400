/** What a process is called in the list of services of a backend. */
import { unescapeUnit } from './cgroup.ts';
import type { Workload } from './pods.ts';
import type { Identity } from './process.ts';
import { compileRegex, matchesRegex } from './regex.ts';

/** Regular expressions; all that are given have to match. */
export interface ServiceMatch {
  readonly exe?: string | undefined;
  readonly comm?: string | undefined;
  /** systemd unit with its type. */
  readonly unit?: string | undefined;
  /** Id of the container or its name. */
  readonly container?: string | undefined;
  readonly cgroup?: string | undefined;
}

export interface ServiceRule {
  readonly match: ServiceMatch;
  readonly name: string;
}

const MAX_NAME = 200;

/** Controls, characters that show nothing, halves of characters. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** A text of a target as the value of a label: at most `max` UTF-16 units, without controls. */
export function cleanText(text: string, max: number): string {
  return text.slice(0, max).replace(UNSEEN, '_').trim();
}

/** What a key of {@link ServiceMatch} is matched against. */
const VALUES: Readonly<Record<keyof ServiceMatch, (id: Identity, workload?: Workload) => (string | undefined)[]>> = {
  exe: id => [id.exe],
  comm: id => [id.comm],
  unit: id => [id.unit?.name],
  container: (id, workload) => [id.container?.id, workload?.container],
  cgroup: id => [id.cgroup],
};

function compileMatch(match: ServiceMatch): (identity: Identity, workload?: Workload) => boolean {
  const tests = (Object.keys(VALUES) as (keyof ServiceMatch)[])
    .filter(key => match[key] !== undefined)
    .map(key => ({ valuesOf: VALUES[key], regex: compileRegex(match[key]!) }));
  return (identity, workload) =>
    tests.every(({ valuesOf, regex }) =>
      valuesOf(identity, workload).some(value => value !== undefined && matchesRegex(regex, value)),
    );
}

/**
 * A service of the system by its name, without type and instance: there is an end to those. Not what runs in a session
 * or a user's systemd, where a unit is whatever was clicked on.
 */
function unitService({ unit }: Identity): string | undefined {
  if (!unit || unit.user || !unit.name.endsWith('.service')) return undefined;
  return unescapeUnit(unit.name.slice(0, -'.service'.length).replace(/@.*$/s, ''));
}

/** Names that people give; an id of 64 digits is none, and new with each start. */
function containerName({ container }: Identity): string | undefined {
  return container?.runtime === 'lxc' || container?.runtime === 'systemd-nspawn' ? container.id : undefined;
}

/** Nothing for memory that is executed as a file: its path is the name that somebody gave to that memory. */
function exeName({ exe }: Identity): string | undefined {
  return exe.startsWith('/memfd:') ? undefined : exe.slice(exe.lastIndexOf('/') + 1);
}

/**
 * The name of a process's service: the first of these that there is.
 * - a rule of the configuration
 * - `kernel` for the kernel's own threads
 * - what its environment says
 * - its container's name in Kubernetes
 * - its systemd unit
 * - its container's name, where containers have names
 * - its executable, its thread's name
 * @throws SyntaxError for an expression that cannot be read
 */
export function compileServiceName(rules: readonly ServiceRule[]): (id: Identity, workload?: Workload) => string {
  const compiled = rules.map(({ match, name }) => ({ matches: compileMatch(match), name }));
  return (identity, workload) => {
    const candidates = [
      compiled.find(({ matches }) => matches(identity, workload))?.name,
      identity.kernelThread ? 'kernel' : undefined,
      identity.serviceFromEnv,
      workload?.container,
      unitService(identity),
      containerName(identity),
      exeName(identity),
      identity.comm,
    ];
    for (const candidate of candidates) {
      const name = cleanText(candidate ?? '', MAX_NAME);
      if (name !== '') return name;
    }
    return 'unknown';
  };
}
