/** What Prometheus refuses in a relabelling rule, and labels that a series may not have. */
import { PER_PROCESS } from './labels.ts';
import { LABEL_NAME, type RelabelAction, type RelabelRule } from './relabel.ts';

/** Names with `$1`, `${1}` or `${name}` in them. */
const TEMPLATE = /^(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))(?:\w|\$(?:\{\w+\}|\w+))*$/;

/** The values that a rule has where nothing else is said. */
export const RELABEL_DEFAULTS = { separator: ';', regex: '(.*)', replacement: '$1', action: 'replace' } as const;

/** A key of a rule that is wrong, and half a sentence that says why. */
export interface RelabelProblem {
  readonly key: keyof RelabelRule;
  readonly message: string;
}

type Optional = 'source_labels' | 'separator' | 'regex' | 'modulus' | 'target_label' | 'replacement';

/** Keys besides `action` that an action does not know; the other actions pass over what they do not need. */
const REFUSED: Readonly<Partial<Record<RelabelAction, readonly Optional[]>>> = {
  keepequal: ['separator', 'regex', 'modulus', 'replacement'],
  dropequal: ['separator', 'regex', 'modulus', 'replacement'],
  labeldrop: ['source_labels', 'separator', 'modulus', 'target_label', 'replacement'],
  labelkeep: ['source_labels', 'separator', 'modulus', 'target_label', 'replacement'],
  lowercase: ['replacement'],
  uppercase: ['replacement'],
};

const WITHOUT_TARGET: readonly RelabelAction[] = ['keep', 'drop', 'labelmap', 'labeldrop', 'labelkeep'];

function isSet(rule: RelabelRule, key: Optional): boolean {
  if (key === 'source_labels') return rule.source_labels.length > 0;
  if (key === 'modulus' || key === 'target_label') return rule[key] !== undefined;
  return rule[key] !== RELABEL_DEFAULTS[key];
}

function targetProblem({ action, target_label: target }: RelabelRule): string | undefined {
  if (WITHOUT_TARGET.includes(action)) return undefined;
  if (!target) return `is missing: "${action}" needs it`;
  if (!(action === 'replace' ? TEMPLATE : LABEL_NAME).test(target)) return `"${target}" is not the name of a label`;
  if (PER_PROCESS.includes(target)) {
    return `a series has no label "${target}": there would be one for each process, which backends do not bear`;
  }
  return undefined;
}

/** What is wrong with a rule besides its regular expression. */
export function relabelProblems(rule: RelabelRule): RelabelProblem[] {
  const problems: RelabelProblem[] = [];
  for (const key of REFUSED[rule.action] ?? []) {
    if (isSet(rule, key)) problems.push({ key, message: `"${rule.action}" does not use it` });
  }
  const target = problems.some(({ key }) => key === 'target_label') ? undefined : targetProblem(rule);
  if (target !== undefined) problems.push({ key: 'target_label', message: target });
  if (rule.action === 'hashmod' && rule.modulus === undefined) {
    problems.push({ key: 'modulus', message: 'is missing: "hashmod" needs it' });
  }
  if (rule.action === 'labelmap' && !TEMPLATE.test(rule.replacement)) {
    problems.push({ key: 'replacement', message: `"${rule.replacement}" is not the name of a label` });
  }
  return problems;
}
