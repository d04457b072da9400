/** `profiler doctor --symbols`: which sources name the code of a file or of a process, in which order, and what is missing. */
import { existsSync } from 'node:fs';
import { DebugFiles } from '../debug-files/debug-files.ts';
import { debuginfodOfEnvironment } from '../debug-files/debuginfod.ts';
import { ExitCode, ProfilerError } from '../errors.ts';
import { Miss } from '../model/profile.ts';
import { REASONS } from '../model/statistics.ts';
import { CodeTable, type MappedCode } from '../process/code.ts';
import { ProcessTable } from '../process/table.ts';
import { type SourceTable, type SymbolSource, symbolSources } from '../symbolize/index.ts';
import { green, yellow } from './terminal.ts';

const FETCH_MS = 30_000;

/** What one source has of some code. */
interface Answer {
  readonly source: SymbolSource;
  readonly result: SourceTable | Miss | undefined;
}

const hasNames = ({ result }: Answer) => typeof result === 'object';
const hasLines = ({ result }: Answer) => typeof result === 'object' && result.linesAt !== undefined;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function textOf({ result }: Answer): string {
  if (result === undefined) return 'has nothing for it';
  if (typeof result === 'number') return REASONS[result] ?? 'nothing';
  const symbols = `${result.length.toLocaleString('en-US')} symbols`;
  return result.describe?.() ?? (result.linesAt === undefined ? symbols : `source lines and inlined calls, ${symbols}`);
}

/** What the user can do about what is missing. */
function advice(code: MappedCode, answers: readonly Answer[]): string[] {
  const isNamed = answers.some(hasNames);
  switch (code.kind) {
    case 'kernel':
      return isNamed ? [] : ['Run it with sudo, or with CAP_SYSLOG; `profiler doctor` says more about kernel symbols.'];
    case 'jit':
      return isNamed ? [] : ['Let the runtime write a perf map: node --perf-basic-prof, python3 -X perf, and others.'];
    case 'vdso':
      return [];
    default:
      return adviceForFile(code, answers, isNamed);
  }
}

function adviceForFile({ miss, elf }: MappedCode, answers: readonly Answer[], isNamed: boolean): string[] {
  if (miss === Miss.unreadableFile)
    return ['The file is gone, was replaced, or needs CAP_SYS_PTRACE or CAP_SYS_ADMIN to be read.'];
  if (answers.some(hasLines)) return [];
  const wanted = isNamed ? 'source lines and inlined calls' : 'names';
  const lines = [
    `For ${wanted}: install its debug package (as libc6-dbg), name its folder with --debug-dir, or build it with -g.`,
  ];
  if (!process.env.DEBUGINFOD_URLS && elf?.buildId) {
    lines.push('Or set DEBUGINFOD_URLS: servers of distributions have debug information by build id.');
  }
  return lines;
}

function title({ filename, elf, miss }: MappedCode, answers: readonly Answer[]): string {
  const state = answers.some(hasLines)
    ? green('lines  ')
    : answers.some(hasNames)
      ? green('names  ')
      : yellow('nothing');
  const why = miss === Miss.none ? '' : ` (${REASONS[miss]})`;
  const kind = elf === undefined ? '' : `: ${elf.machine}, build id ${elf.buildId || 'none'}`;
  return `${state}  ${filename}${kind}${why}`;
}

/** Returns what can be done about what is missing. */
function report(code: MappedCode, sources: readonly SymbolSource[]): string[] {
  const answers = sources.map(source => ({ source, result: source.open(code) }));
  print(title(code, answers));
  // What does not apply is of interest where nothing else is known.
  const told = answers.filter(({ result }) => result !== undefined);
  for (const answer of told.length > 0 ? told : answers) {
    print(`         ${sources.indexOf(answer.source) + 1} ${answer.source.name.padEnd(14)} ${textOf(answer)}`);
  }
  return advice(code, answers);
}

/** Each advice once, and of how many files it is. */
function printAdvice(advice: readonly string[]): void {
  for (const line of new Set(advice)) {
    const count = advice.filter(other => other === line).length;
    print(`→ ${count > 1 ? `${count} of them: ` : ''}${line}`);
  }
}

function codesOf(target: string, table: CodeTable): MappedCode[] {
  if (!/^\d+$/.test(target) || existsSync(target)) {
    const code = table.open(target);
    if (code === undefined) throw noTarget(`cannot read ${target}: no such regular file.`);
    if (code === 'not-elf') throw noTarget(`${target} is no ELF file, or is damaged.`);
    return [code];
  }
  const image = new ProcessTable({ followAll: false }).image(Number(target));
  if (!image.mappings) throw noTarget(`cannot read the mappings of process ${target}.`);
  // Nobody has used it since 2.6: the vdso has taken its place.
  const mappings = image.mappings.filter(({ path }) => path !== '[vsyscall]');
  return [...new Set(mappings.map(mapping => table.of(image, mapping))), table.kernel()];
}

function noTarget(message: string): ProfilerError {
  const hint = 'Say a program, a library or the id of a running process; other users’ processes need CAP_SYS_PTRACE.';
  return new ProfilerError('no-target', message, { hint, exitCode: ExitCode.noTarget });
}

/** `target`: a path, or a process id where there is no such path. Throws a ProfilerError. */
export async function doctorSymbols(target: string, debugFolders: readonly string[]): Promise<ExitCode> {
  const table = new CodeTable();
  const debugFiles = new DebugFiles({ folders: debugFolders, debuginfod: debuginfodOfEnvironment() });
  try {
    const codes = codesOf(target, table);
    await debugFiles.prepare(codes, FETCH_MS);
    const sources = symbolSources({ debugFiles });
    print(`Sources, in the order in which they are asked: ${sources.map(({ name }) => name).join(', ')}.`);
    printAdvice(codes.flatMap(code => report(code, sources)));
    for (const note of debugFiles.takeNotes()) print(yellow(`debug files: ${note}`));
    return ExitCode.ok;
  } finally {
    debugFiles.close();
    table.close();
  }
}
