/** What stacks stand on: text and pictures put the label `comm` of a sample under its stack. */
import { ExitCode, ProfilerError } from '../errors.ts';
import type { Label, Profile } from '../model/profile.ts';

type Labels = readonly Label[];
/** The text for a label set; undefined: nothing to stand on. */
type Naming = (labels: Labels) => string | undefined;

const MAX_NAMES = 20;

function valueOf(labels: Labels, key: string): string | undefined {
  const label = labels.find(candidate => candidate.key === key);
  return label && String(label.value);
}

function threadNaming(): Naming {
  return labels => {
    const [name, id] = [valueOf(labels, 'comm'), valueOf(labels, 'tid')];
    return id === undefined ? (name ?? '(no thread)') : `${name ?? 'thread'} (${id})`;
  };
}

/** A process has the name of its main thread, else of the first of its threads that there is. */
function processNaming({ labelSets }: Profile): Naming {
  const names = new Map<string, string>();
  for (const labels of labelSets) {
    const [name, pid] = [valueOf(labels, 'comm'), valueOf(labels, 'pid')];
    if (name === undefined || pid === undefined) continue;
    if (!names.has(pid) || valueOf(labels, 'tid') === pid) names.set(pid, name);
  }
  return labels => {
    const pid = valueOf(labels, 'pid');
    return pid === undefined ? '(no process)' : `${names.get(pid) ?? 'process'} (${pid})`;
  };
}

function labelNaming({ labelSets }: Profile, key: string): Naming {
  const keys = [...new Set(labelSets.flatMap(labels => labels.map(label => label.key)))];
  if (!keys.includes(key)) {
    const known = keys.slice(0, MAX_NAMES).join(', ');
    throw new ProfilerError('unknown-label', `no sample has a label "${key}".`, {
      hint: known === '' ? 'There are no labels at all.' : `There are ${known}.`,
      exitCode: ExitCode.usage,
    });
  }
  return labels => valueOf(labels, key) ?? `(no ${key})`;
}

function namingOf(profile: Profile, what: string): Naming {
  switch (what) {
    case 'thread':
      return threadNaming();
    case 'process':
      return processNaming(profile);
    case 'cpu': {
      const naming = labelNaming(profile, 'cpu');
      return labels => (valueOf(labels, 'cpu') === undefined ? naming(labels) : `cpu ${naming(labels)}`);
    }
    case 'none':
      return () => undefined;
    default:
      return labelNaming(profile, what);
  }
}

/**
 * Groups samples by `thread`, `process`, `cpu`, `none` (all together), or by the label of this key: writes the group into
 * the label `comm`.
 * @throws ProfilerError for a label that there is not
 */
export function groupBy(profile: Profile, what: string): Profile {
  const naming = namingOf(profile, what);
  const labelSets = profile.labelSets.map(labels => {
    const others = labels.filter(({ key }) => key !== 'comm');
    const value = naming(labels);
    return value === undefined ? others : [{ key: 'comm', value }, ...others];
  });
  return { ...profile, labelSets };
}
