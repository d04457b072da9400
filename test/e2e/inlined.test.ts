import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Pprof, readPprof } from '../support/pprof.ts';
import { countOf, needsBpf, obstacle, profiler, readCollapsed, workFolder } from '../support/profiler.ts';

const source = join(import.meta.dirname, '../programs/inlined.cc');

/** The line of the source with this comment. */
function lineOf(comment: string): number {
  return (
    readFileSync(source, 'utf8')
      .split('\n')
      .findIndex(line => line.endsWith(`// ${comment}`)) + 1
  );
}

/** The frames of the location that most samples have as their leaf, innermost first: `name file:line`. */
function hottest({ raw }: Pprof): string[] {
  const text = (index: number | bigint) => raw.stringTable.strings[Number(index)]!;
  const counts = new Map<string, number>();
  for (const sample of raw.sample) {
    const location = raw.location.find(({ id }) => id === sample.locationId[0]!)!;
    const frames = location.line.map(({ functionId, line }) => {
      const { name, filename } = raw.function.find(({ id }) => id === functionId)!;
      return `${text(name)} ${text(filename).replace(/^.*\//, '')}:${line}`;
    });
    const key = frames.join('\n');
    counts.set(key, (counts.get(key) ?? 0) + Number(sample.value[0]));
  }
  return [...counts].sort((a, b) => b[1] - a[1])[0]![0].split('\n');
}

describe.skipIf(obstacle)(needsBpf('inlined calls'), () => {
  const folder = workFolder();
  const program = join(folder, 'inlined');
  if (!obstacle) execFileSync('g++', ['-O2', '-g', source, '-o', program]);
  const record = (name: string, ...args: string[]) => {
    const { status, stderr } = profiler([
      'record',
      '-F',
      '999',
      ...args,
      '-o',
      join(folder, name),
      '--',
      program,
      '400',
    ]);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    return join(folder, name);
  };
  const flagsOf = ({ raw }: Pprof) => {
    const { hasFunctions, hasFilenames, hasLineNumbers, hasInlineFrames } = raw.mapping.find(
      ({ filename }) => raw.stringTable.strings[Number(filename)] === program,
    )!;
    return { hasFunctions, hasFilenames, hasLineNumbers, hasInlineFrames };
  };

  test('are frames with files and lines in pprof', () => {
    const profile = readPprof(record('inlined.pb.gz'));
    expect(hottest(profile)).toEqual([
      `spin(unsigned long) inlined.cc:${lineOf('the hottest line')}`,
      `scaled<3>(unsigned long) inlined.cc:${lineOf('calls spin')}`,
      `work(unsigned long) inlined.cc:${lineOf('calls scaled')}`,
    ]);
    expect(flagsOf(profile)).toEqual({
      hasFunctions: true,
      hasFilenames: true,
      hasLineNumbers: true,
      hasInlineFrames: true,
    });
  });

  test('are left out with --no-inlines, and lines with --no-lines', () => {
    const plain = readPprof(record('plain.pb.gz', '--no-inlines'));
    expect(hottest(plain)).toEqual([`work(unsigned long) inlined.cc:${lineOf('calls scaled')}`]);
    const bare = readPprof(record('bare.pb.gz', '--no-inlines', '--no-lines'));
    expect(hottest(bare)).toEqual(['work(unsigned long) :0']);
    expect(flagsOf(bare)).toMatchObject({ hasFilenames: false, hasLineNumbers: false, hasInlineFrames: false });
  });

  test('are marked in collapsed text', () => {
    const stacks = readCollapsed(record('inlined.collapsed', '--annotate', '--short-names'));
    const inlined = countOf(stacks, ({ frames }) => frames.join(';').endsWith('work;scaled<>_[i];spin_[i]'));
    expect(inlined).toBeGreaterThan(countOf(stacks, () => true) / 2);
  });
});
