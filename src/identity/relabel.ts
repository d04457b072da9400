/** Relabelling as Prometheus defines it: https://prometheus.io/docs/prometheus/latest/configuration/#relabel_config */
import { createHash } from 'node:crypto';
import { compileRegex, MAX_INPUT } from './regex.ts';

export const RELABEL_ACTIONS = [
  'replace',
  'keep',
  'drop',
  'keepequal',
  'dropequal',
  'hashmod',
  'labelmap',
  'labeldrop',
  'labelkeep',
  'lowercase',
  'uppercase',
] as const;
export type RelabelAction = (typeof RELABEL_ACTIONS)[number];

export interface RelabelRule {
  readonly source_labels: readonly string[];
  readonly separator: string;
  readonly regex: string;
  readonly modulus?: number | undefined;
  readonly target_label?: string | undefined;
  readonly replacement: string;
  readonly action: RelabelAction;
}

/** Labels while they are changed. An empty value is the same as none. */
export type LabelMap = Map<string, string>;

export const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** One rule on one set of labels, which it changes; `value`: those of its source labels, joined. False: dropped. */
type Action = (labels: LabelMap, value: string, rule: RelabelRule, regex: RegExp) => boolean;

function setLabel(labels: LabelMap, name: string, value: string): true {
  if (value === '') labels.delete(name);
  else labels.set(name, value);
  return true;
}

/** `$1`, `${1}`, `$name` (as many letters, digits and underscores as follow), `$$`, as Go's Regexp.Expand has it. */
function expand(template: string, match: RegExpExecArray): string {
  return template.replace(/\$(?:\$|(\w+)|\{(\w+)\})/g, (whole, plain?: string, braced?: string) => {
    const name = plain ?? braced;
    if (name === undefined) return whole.slice(1);
    if (/^\d+$/.test(name)) return match[Number(name)] ?? '';
    return match.groups && Object.hasOwn(match.groups, name) ? (match.groups[name] ?? '') : '';
  });
}

function replace(labels: LabelMap, value: string, rule: RelabelRule, regex: RegExp): true {
  const match = regex.exec(value);
  if (!match) return true;
  const target = expand(targetOf(rule), match);
  return !LABEL_NAME.test(target) || setLabel(labels, target, expand(rule.replacement, match));
}

/** The last 8 of MD5's 16 bytes, as a big-endian number. */
function hashmod(value: string, modulus: number): string {
  const hash = createHash('md5').update(value).digest();
  return String(hash.readBigUInt64BE(8) % BigInt(modulus));
}

/** Matches are sought among the labels as they are before. */
function labelmap(labels: LabelMap, rule: RelabelRule, regex: RegExp): true {
  for (const [name, value] of [...labels]) {
    const match = regex.exec(name);
    const target = match ? expand(rule.replacement, match) : '';
    if (LABEL_NAME.test(target)) setLabel(labels, target, value);
  }
  return true;
}

function deleteLabels(labels: LabelMap, condition: (name: string) => boolean): true {
  for (const name of [...labels.keys()]) if (condition(name)) labels.delete(name);
  return true;
}

const targetOf = (rule: RelabelRule) => rule.target_label ?? '';

const ACTIONS: Readonly<Record<RelabelAction, Action>> = {
  replace,
  keep: (_labels, value, _rule, regex) => regex.test(value),
  drop: (_labels, value, _rule, regex) => !regex.test(value),
  keepequal: (labels, value, rule) => (labels.get(targetOf(rule)) ?? '') === value,
  dropequal: (labels, value, rule) => (labels.get(targetOf(rule)) ?? '') !== value,
  hashmod: (labels, value, rule) => setLabel(labels, targetOf(rule), hashmod(value, rule.modulus ?? 1)),
  labelmap: (labels, _value, rule, regex) => labelmap(labels, rule, regex),
  labeldrop: (labels, _value, _rule, regex) => deleteLabels(labels, name => regex.test(name)),
  labelkeep: (labels, _value, _rule, regex) => deleteLabels(labels, name => !regex.test(name)),
  lowercase: (labels, value, rule) => setLabel(labels, targetOf(rule), value.toLowerCase()),
  uppercase: (labels, value, rule) => setLabel(labels, targetOf(rule), value.toUpperCase()),
};

/**
 * The rules, compiled: they change a set of labels and return false where it is dropped. Labels that begin with `__`
 * are left to the caller.
 * @throws SyntaxError for an expression that cannot be read
 */
export function compileRelabel(rules: readonly RelabelRule[]): (labels: LabelMap) => boolean {
  const compiled = rules.map(rule => ({ rule, act: ACTIONS[rule.action], regex: compileRegex(rule.regex) }));
  return labels =>
    compiled.every(({ rule, act, regex }) => {
      const value = rule.source_labels.map(name => labels.get(name) ?? '').join(rule.separator);
      return act(labels, value.slice(0, MAX_INPUT), rule, regex);
    });
}
