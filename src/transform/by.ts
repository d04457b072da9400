/** What stacks stand on: text and pictures put the label `comm` of a sample under its stack. */
import { bounded } from '../../flamegraph/text.ts';
import { ExitCode, ProfilerError } from '../errors.ts';
import type { Label, Profile } from '../model/profile.ts';

type Labels = readonly Label[];
/** The text for a label set; undefined: nothing to stand on. */
type Naming = (labels: Labels) => string | undefined;

/** In a message. */
const MAX_NAMES = 20;
const MAX_NAME = 100;

function textOf(labels: Labels, key: string): string | undefined {
  const label = labels.find(candidate => candidate.key === key);
  return label && String(label.value);
}

function threadNaming(labels: Labels): string {
  const [name, id] = [textOf(labels, 'comm'), textOf(labels, 'tid')];
  return id === undefined ? (name ?? '(no thread)') : `${name ?? 'thread'} (${id})`;
}

/** A process has the name of its main thread, else of the first of its threads that there is. */
function processNaming(profile: Profile): Naming {
  checkLabel(profile, 'pid');
  const names = new Map<string, string>();
  for (const labels of profile.labelSets) {
    const [name, pid] = [textOf(labels, 'comm'), textOf(labels, 'pid')];
    if (name === undefined || pid === undefined) continue;
    if (!names.has(pid) || textOf(labels, 'tid') === pid) names.set(pid, name);
  }
  return labels => {
    const pid = textOf(labels, 'pid');
    return pid === undefined ? '(no process)' : `${names.get(pid) ?? 'process'} (${pid})`;
  };
}

function checkLabel({ labelSets }: Profile, key: string): void {
  const keys = [...new Set(labelSets.flatMap(labels => labels.map(label => label.key)))];
  if (keys.includes(key) || labelSets.length === 0) return;
  const known = keys.slice(0, MAX_NAMES).map(name => bounded(name, MAX_NAME));
  throw new ProfilerError('unknown-label', `no sample has a label "${key}".`, {
    hint: keys.length === 0 ? 'There are no labels at all.' : `There are ${known.join(', ')}.`,
    exitCode: ExitCode.usage,
  });
}

/** `before`: goes before the value of the label. */
function labelNaming(profile: Profile, key: string, before = ''): Naming {
  checkLabel(profile, key);
  return labels => {
    const value = textOf(labels, key);
    return value === undefined ? `(no ${key})` : before + value;
  };
}

function namingOf(profile: Profile, what: string): Naming {
  switch (what) {
    case 'thread':
      return threadNaming;
    case 'process':
      return processNaming(profile);
    case 'cpu':
      return labelNaming(profile, 'cpu', 'cpu ');
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
