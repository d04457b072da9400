import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const built = `${root}dist/flamegraph/index.js`;
const text = readFileSync(`${root}docs/flamegraph.md`, 'utf8');
const examples = [...text.matchAll(/<!-- example: (\S+) -->\n```js\n(.*?)```/gs)].map(([, file = '', code = '']) => ({
  file,
  code,
}));

test('every piece of code is an example that runs', () => {
  expect(examples.map(({ file }) => file)).toEqual(['flame.svg', 'diff.svg', 'output']);
  expect(text.split('```js\n').length - 1).toBe(examples.length);
});

describe.skipIf(!existsSync(built))(`examples, as a user of the package runs them (needs ${built})`, () => {
  let folder: string;
  const run = (file: string) => {
    writeFileSync(join(folder, 'example.mjs'), examples.find(example => example.file === file)!.code);
    return execFileSync(process.execPath, ['example.mjs'], { cwd: folder, encoding: 'utf8' });
  };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'flamegraph-docs-'));
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(root, join(folder, 'node_modules', 'ebpf-profiler'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('a picture', () => {
    run('flame.svg');
    const svg = readFileSync(join(folder, 'flame.svg'), 'utf8');
    expect(svg).toContain('<title>parse\napp.c:12, native\n3.00 s, 75.0 % of total, 75.0 % of parent');
  });

  test('a difference', () => {
    run('diff.svg');
    const svg = readFileSync(join(folder, 'diff.svg'), 'utf8');
    expect(svg).toContain('only in the base</title>');
    expect(svg).toContain('base multiplied by 0.5 for an equal total');
  });

  test('a tree', () => expect(text).toContain(`prints\n\n\`\`\`\n${run('output')}\`\`\``));
});
