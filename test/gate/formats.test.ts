import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import type { Difference } from '../../src/diff/difference.ts';
import type { GateEncodeOptions } from '../../src/gate/format.ts';
import { gateFormats } from '../../src/gate/index.ts';
import { withoutBase } from '../../src/gate/judge.ts';
import { COMMENT_MARKER, code } from '../../src/gate/markdown.ts';
import { namePattern } from '../../src/gate/names.ts';
import { parseRule } from '../../src/gate/rules.ts';
import type { Verdict } from '../../src/gate/verdict.ts';
import { difference, verdictOf } from './support.ts';

const OPTIONS: GateEncodeOptions = {
  title: 'before → after',
  absolute: false,
  side: 'both',
  minPercent: 0,
  colours: false,
  strict: false,
  files: ['diff.svg', 'diff.html'],
  linkBase: '',
};

const found = difference(
  {
    'app;main;parse': [300, 305, 298, 301, 296],
    'app;main;parse;copy': [100, 98, 103, 99, 100],
    'app;main;sort': [560, 557, 559, 560, 564],
    'app;main;old_name': [40, 41, 39, 40, 40],
  },
  {
    'app;main;parse': [400, 404, 397, 399, 400],
    'app;main;parse;copy': [100, 101, 98, 99, 102],
    'app;main;sort': [460, 455, 465, 462, 458],
    'app;main;new_name': [40, 40, 41, 39, 40],
  },
  { parse: 'parse.c', sort: 'sort.c', copy: 'copy.c' },
);
const rules = ['total>3%', 'any>10%', 'self:func:parse>33%', 'func:nothing>1%'];
const verdict = verdictOf(found, rules, { isAllowed: namePattern('copy') });

function encode(
  name: string,
  of: Verdict = verdict,
  options: Partial<GateEncodeOptions> = {},
  from: Difference = found,
): string {
  const format = gateFormats.find(candidate => candidate.name === name)!;
  return [...format.encode(of, from, { ...OPTIONS, ...options })].join('');
}

test.each([
  ['text', 'txt'],
  ['json', 'json'],
  ['junit', 'xml'],
  ['markdown', 'md'],
])('%s, golden', (name, extension) => expect(encode(name)).toMatchFileSnapshot(`golden/gate.${extension}`));

test.each(['text', 'json', 'junit', 'markdown'])('%s of a first run', name => {
  const first = withoutBase(found, { rules: rules.map(parseRule), floor: 0.005 }, 'the base does not exist');
  expect(encode(name, first)).toContain('Nothing to compare with');
  expect(encode(name, first, { strict: true })).not.toContain('regressed');
});

test('JSON has null where there is no bound', () => {
  const few = difference({ 'app;f': [5], 'app;g': [5] }, { 'app;f': [2], 'app;g': [2], 'app;h': [6] });
  const { gate } = JSON.parse(encode('json', verdictOf(few, ['any>10%', 'total>3%']), {}, few));
  expect(gate).toMatchObject({ outcome: 'regressed', method: 'samples', total: { relativeHighPercent: null } });
  expect(gate.functions.find(({ name }: { name: string }) => name === 'h')).toMatchObject({ relativePercent: null });
});

describe('what is inconclusive', () => {
  const only = verdictOf(found, ['self:func:parse>33%']);

  test('is skipped, and with --strict a failure', () => {
    expect(encode('junit', only)).toMatch(/failures="0" skipped="1"[\s\S]*<skipped message=/);
    expect(encode('junit', only, { strict: true })).toMatch(
      /failures="1" skipped="0"[\s\S]*<failure message=.*type="inconclusive"/,
    );
  });
});

const ATTACKS = [
  '</code><img src=x onerror=alert(1)>',
  '--><script>alert(1)</script><!--',
  '`code` *bold* _em_ ~~gone~~ [link](javascript:alert(1)) ![image](http://evil/)',
  '| cell | cell |\n| --- | --- |',
  '@everyone #1 GH-1 http://evil.example www.evil.example a@b.example',
  '&lt;b&gt; &#60;',
  ']]><x/>',
  '\u0000\u0007\u001b[31m\u202etxt\u2028\ufffe\ud800',
  'x'.repeat(100_000),
];

describe('hostile names', () => {
  const hostile = () => {
    const counts = Object.fromEntries(ATTACKS.map((_, i) => [`app;attack${i}`, [100, 101, 99]]));
    const more = { ...counts, 'app;attack0': [300, 301, 299] };
    const made = difference(counts, more);
    const name = (text: string) => text.replace(/^attack(\d)$/, (_, i) => ATTACKS[Number(i)]!);
    const { functions } = made;
    const file = functions.name.map((_, i) => ATTACKS[i % ATTACKS.length]!);
    return { ...made, functions: { ...functions, name: functions.name.map(name), file } };
  };
  const made = hostile();
  const of = verdictOf(made, ['any>10%']);

  test('are text in Markdown', () => {
    const report = encode('markdown', of, { title: ATTACKS[0]!, files: [`${ATTACKS[2]}.svg`] }, made);
    const tags = report.match(/<[^ ][^>]*>/g)!.filter(tag => !/^<\/?code>$/.test(tag));
    expect(tags.slice(1).every(tag => /^<[\w%.!~*'()-]+>$/.test(tag))).toBe(true); // link targets
    expect(tags[0]).toBe(COMMENT_MARKER);
    const texts = report.match(/<code>.*?<\/code>/g)!;
    expect(texts.length).toBeGreaterThan(ATTACKS.length);
    for (const text of texts) expect(text.slice(6, -7)).not.toMatch(/[<>`*_[\]|@\n#](?!\d+;)|http:|www\./);
    const rows = report.split('\n').filter(line => line.startsWith('| '));
    expect(rows.every(row => row.match(/\|/g)!.length === 8)).toBe(true);
  });

  test.skipIf(spawnSync('python3', ['--version']).status !== 0)(
    'are text in XML, which a parser takes (needs python3)',
    () => {
      const xml = encode('junit', of, { title: ATTACKS[6]! }, made);
      const script =
        'import sys,xml.dom.minidom as m; d=m.parse(sys.stdin.buffer); print(d.getElementsByTagName("failure")[0].firstChild.data)';
      const { stdout, status, stderr } = spawnSync('python3', ['-c', script], { input: xml, encoding: 'utf8' });
      expect([status, stderr]).toEqual([0, '']);
      expect(stdout).toContain(`REGRESSED: ${ATTACKS[0]}`);
    },
  );

  test('do not drive a terminal', () => expect(encode('text', of, {}, made)).not.toMatch(/[^\P{C}\n]|[\u2028\u2029]/u));

  test('code is its text, as an HTML parser reads it', () => {
    expect(code('a_b<T>')).toBe('<code>a&#95;b&#60;T&#62;</code>');
    expect(code('')).toBe('<code> </code>');
    expect(code('grün → ok')).toBe('<code>grün → ok</code>');
  });
});

describe('the report of a comment', () => {
  test('begins with what a bot finds it by', () => expect(encode('markdown').split('\n')[0]).toBe(COMMENT_MARKER));

  test('has links below a URL', () => {
    const report = encode('markdown', verdict, { linkBase: 'https://ci.example/1/', files: ['a b.svg'] });
    expect(report).toContain('[<code>a b&#46;svg</code>](<https://ci.example/1/a%20b.svg>)');
  });

  test('stays below what GitHub takes', () => {
    const counts = (scale: number) => {
      const stacks = Array.from({ length: 50 }, (_, i) => `app;${'<&'.repeat(100)}${i}`);
      return Object.fromEntries(stacks.map((stack, i) => [stack, [99, 100, 101].map(n => n * (i < 20 ? scale : 1))]));
    };
    const many = difference(counts(1), counts(3));
    const rules = Array.from({ length: 40 }, () => 'any>1%');
    const report = encode('markdown', verdictOf(many, rules), {}, many);
    expect(report.length).toBeLessThan(65_536);
    expect(report).toContain('The report is cut off here.');
  });
});
