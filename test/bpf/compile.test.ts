import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MemoryBytes } from '../../src/elf/bytes.ts';
import { parseElf } from '../../src/elf/elf.ts';

const root = join(import.meta.dirname, '../..');
const compilers = ['clang', 'clang-14', 'clang-19'].filter(name => {
  return spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
});

describe.skipIf(compilers.length === 0)('the BPF programs (needs clang)', () => {
  test.each(compilers)('compile for x86-64 and arm64 with %s', compiler => {
    execFileSync('make', ['--silent', '-B', '-C', join(root, 'native'), 'bpf-all', `CLANG=${compiler}`]);
    for (const architecture of ['x86', 'arm64']) {
      const object = new MemoryBytes(readFileSync(join(root, `build/profiler.${architecture}.bpf.o`)));
      const sections = parseElf(object).sections.map(section => section.name);
      for (const name of ['perf_event', 'raw_tp/sched_process_fork', 'raw_tp/sched_process_exit', '.BTF', '.rodata']) {
        expect(sections).toContain(name);
      }
    }
  });
});
