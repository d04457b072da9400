/** `profiler doctor --unwind`: how the stacks of a file's code, or of a process, would be walked. */
import { existsSync } from 'node:fs';
import { ExitCode, ProfilerError } from '../errors.ts';
import { hexAddress } from '../model/profile.ts';
import { CodeTable, isGenerated } from '../process/code.ts';
import { openPath } from '../process/files.ts';
import type { Mapping } from '../process/maps.ts';
import { type Image, ProcessTable } from '../process/table.ts';
import { reportUnwinding, type UnwindReport } from '../unwind/report.ts';
import { green, yellow } from './terminal.ts';

const HOW = { table: green('table         '), framePointers: yellow('frame pointers') };

function count(number: number, what: string): string {
  return `${number.toLocaleString('en-US')} ${what}`;
}

/** What is said of a file: one line for what there is, one for what is missing of it. */
function describe({ usable, reason, rows, rules, bytes, statistics }: UnwindReport): string[] {
  const lines: string[] = [];
  if (usable) {
    lines.push(`${count(rows, 'rows')}, ${count(rules, 'rules')}, ${count(Math.ceil(bytes / 1024), 'KiB')}`);
  } else {
    lines.push(reason);
  }
  if (!statistics) return lines;
  lines.push(`made of ${count(statistics.entries, 'FDEs')}`);
  if (statistics.damaged > 0) lines.push(`left out: ${count(statistics.damaged, 'damaged FDEs')}`);
  if (statistics.cut) lines.push('cut off at a limit');
  const unsupported = [...statistics.unsupported].map(([why, number]) => `${number} ${why}`);
  if (unsupported.length > 0) lines.push(`unsupported rows: ${unsupported.join(', ')}`);
  return lines;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function reportFile(path: string): void {
  const opened = openPath(path);
  if (!opened) throw noTarget(`cannot read ${path}: no such regular file.`);
  try {
    const report = reportUnwinding(opened);
    const { machine = 'no ELF file', buildId = '' } = opened.elf ?? {};
    print(path);
    print(`  ${machine}, build id ${buildId || 'none'}`);
    print(`  stacks are walked by: ${report.usable ? 'table' : 'frame pointers'}`);
    for (const line of describe(report)) print(`  ${line}`);
  } finally {
    opened.bytes.close();
  }
}

function how(image: Image, mapping: Mapping, code: CodeTable): readonly [string, string] {
  if (isGenerated(mapping.path) && mapping.path !== '[vdso]') return [HOW.framePointers, 'generated code'];
  const report = reportUnwinding(code.of(image, mapping));
  return [report.usable ? HOW.table : HOW.framePointers, describe(report).join('; ')];
}

function reportProcess(pid: number): void {
  const image = new ProcessTable({ followAll: false }).image(pid);
  if (!image.mappings) throw noTarget(`cannot read the mappings of process ${pid}.`);
  const code = new CodeTable();
  const known = new Map<string, readonly [string, string]>();
  try {
    for (const mapping of image.mappings) {
      const path = mapping.path || '[anon]';
      const told = known.get(path) ?? how(image, mapping, code);
      const repeated = known.has(path);
      known.set(path, told);
      print(`${told[0]}  ${hexAddress(mapping.start)}-${hexAddress(mapping.end)}  ${path}`);
      if (!repeated) print(`                  ${told[1]}`);
    }
  } finally {
    code.close();
  }
}

function noTarget(message: string): ProfilerError {
  const hint = 'Say a file or the id of a running process; other users’ processes need CAP_SYS_PTRACE.';
  return new ProfilerError('no-target', message, { hint, exitCode: ExitCode.noTarget });
}

/** `target`: a path, or a process id where there is no such path. Throws a ProfilerError. */
export function doctorUnwind(target: string): ExitCode {
  if (/^\d+$/.test(target) && !existsSync(target)) reportProcess(Number(target));
  else reportFile(target);
  return ExitCode.ok;
}
