/** Unwind rows as text, ours and those that readelf prints, in the same words. */

import { RuleKind, Saved } from '../../src/capture/records.gen.ts';
import type { UnwindRows } from '../../src/elf/unwind-rows.ts';

/** A row: from this address on, this rule. */
export interface TextRow {
  readonly address: number;
  readonly rule: string;
}

function signed(value: number): string {
  return value < 0 ? `${value}` : `+${value}`;
}

/** A rule as `sp+16 fp=c-16 ra=c-8`: the CFA, then where frame pointer and return address are if they are saved. */
export function ruleText(low: number, high: number): string {
  const kind = low & 0xff;
  const saved = (low >> 8) & 0xff;
  const cfa = signed((low >> 16) * 8);
  const fp = ((high << 16) >> 16) * 8;
  const names: Record<number, string> = {
    [RuleKind.PROFILER_RULE_NONE]: 'gap',
    [RuleKind.PROFILER_RULE_UNSUPPORTED]: 'unsupported',
    [RuleKind.PROFILER_RULE_END]: 'end',
    [RuleKind.PROFILER_RULE_SIGNAL]: 'signal',
    [RuleKind.PROFILER_RULE_SP]: `sp${cfa}`,
    [RuleKind.PROFILER_RULE_FP]: `fp${cfa}`,
    [RuleKind.PROFILER_RULE_FP_DEREF]: `*(fp${cfa})`,
    [RuleKind.PROFILER_RULE_EXTRA]: `r10${cfa}`,
    [RuleKind.PROFILER_RULE_PLT]: `plt${cfa} from ${fp / 8}`,
  };
  let text = names[kind] ?? `kind ${kind}`;
  if ((saved & Saved.PROFILER_SAVED_FP) !== 0) text += ` fp=c${signed(fp)}`;
  if ((saved & Saved.PROFILER_SAVED_FP_AT_FP) !== 0) text += ` fp=fp${signed(fp)}`;
  if ((saved & Saved.PROFILER_SAVED_RA) !== 0) text += ` ra=c${signed((high >> 16) * 8)}`;
  return text;
}

/** Our rows. */
export function ownRows({ length, base, offset, rule, rules }: UnwindRows): TextRow[] {
  const texts = Array.from({ length: rules.length / 2 }, (_, i) => ruleText(rules[2 * i]! | 0, rules[2 * i + 1]! | 0));
  return Array.from({ length }, (_, i) => ({ address: base + offset[i]!, rule: texts[rule[i]!]! }));
}

interface Frame {
  start: number;
  end: number;
  rows: TextRow[];
}

/** The rows of `readelf --debug-dump=frames-interp` for x86-64, without what its text does not say: `?` for an expression. */
export function readelfRows(text: string): TextRow[] {
  const frames = parseFrames(text).filter(({ start, end }) => start < end);
  frames.sort((a, b) => a.start - b.start);
  const rows: TextRow[] = [];
  const add = (address: number, rule: string) => {
    if (rows.at(-1)?.rule !== rule) rows.push({ address, rule });
  };
  frames.forEach((frame, i) => {
    const next = frames[i + 1]?.start ?? Number.POSITIVE_INFINITY;
    for (const { address, rule } of frame.rows) if (address < Math.min(frame.end, next)) add(address, rule);
    if (frame.end < next) add(frame.end, 'gap');
  });
  return rows;
}

const cieLine = /^([0-9a-f]+) [0-9a-f]+ [0-9a-f]+ CIE "([^"]*)"/;
const fdeLine = /^[0-9a-f]+ [0-9a-f]+ [0-9a-f]+ FDE cie=([0-9a-f]+) pc=([0-9a-f]+)\.\.([0-9a-f]+)/;

function parseFrames(text: string): Frame[] {
  const frames: Frame[] = [];
  const initial = new Map<string, { rule: string; signal: boolean }>();
  let columns: string[] = [];
  let cie = '';
  let rows: TextRow[] | undefined;
  for (const line of lines(text)) {
    const isRow = /^[0-9a-f]{16} /.test(line);
    const head = isRow ? null : (cieLine.exec(line) ?? fdeLine.exec(line));
    if (line.startsWith('   LOC')) {
      columns = line.trim().split(/ +/);
      if (rows !== undefined) rows.length = 0;
    } else if (head !== null && head.length === 3) {
      cie = head[1]!;
      rows = undefined;
      initial.set(cie, { rule: 'unsupported', signal: head[2]!.includes('S') });
    } else if (head !== null) {
      const common = initial.get(head[1]!)!;
      cie = head[1]!;
      const start = Number.parseInt(head[2]!, 16);
      rows = [{ address: start, rule: common.rule }];
      frames.push({ start, end: Number.parseInt(head[3]!, 16), rows });
    } else if (isRow) {
      const common = initial.get(cie)!;
      // A register that holds the value is printed as `r8 (r8)`.
      const cells = line
        .replaceAll(/ \(\w+\)/g, '')
        .trim()
        .split(/ +/);
      const rule = common.signal ? 'signal' : rowText(columns, cells);
      if (rows === undefined) common.rule = rule;
      else rows.push({ address: Number.parseInt(cells[0]!, 16), rule });
    }
  }
  return frames;
}

function* lines(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('\n', start);
    yield text.slice(start, end < 0 ? text.length : end);
    start = end < 0 ? text.length : end + 1;
  }
}

function rowText(columns: readonly string[], cells: readonly string[]): string {
  const cell = (name: string) => cells[columns.indexOf(name)] ?? 'u';
  const [cfa, fp, ra] = [cell('CFA'), cell('rbp'), cell('ra')];
  if (ra === 'u') return 'end';
  if (cfa === 'exp' || fp === 'exp') return '?';
  if (!/^(rsp|rbp|r10)[+-]/.test(cfa) || ra !== 'c-8' || !/^(u|s|c[+-]\d+)$/.test(fp)) return 'unsupported';
  const rule = `${cfa.replace(/^rsp/, 'sp').replace(/^rbp/, 'fp')} ${fp.startsWith('c') ? `fp=${fp} ` : ''}ra=c-8`;
  const offsets = rule.match(/[+-]\d+/g)!.map(Number);
  return offsets.every(offset => offset % 8 === 0 && offset >= -0x40000 && offset < 0x40000) ? rule : 'unsupported';
}

const expressible = /^(plt|\*|unsupported)|fp=fp/;

/** Where two lists of rows differ, as text; a `?` of the second stands for whatever an expression can become. */
export function differences(ours: readonly TextRow[], theirs: readonly TextRow[]): string[] {
  const found: string[] = [];
  let own = 0;
  let other = 0;
  while (own < ours.length || other < theirs.length) {
    const address = Math.min(ours[own]?.address ?? Number.POSITIVE_INFINITY, theirs[other]?.address ?? Infinity);
    if (ours[own]?.address === address) own++;
    if (theirs[other]?.address === address) other++;
    const [a, b] = [ours[own - 1]?.rule ?? 'gap', theirs[other - 1]?.rule ?? 'gap'];
    if (b === '?' ? !expressible.test(a) : a !== b) found.push(`${address.toString(16)}: ${a} | ${b}`);
  }
  return found;
}
