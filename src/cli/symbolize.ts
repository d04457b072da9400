/** `profiler symbolize`: addresses in, names, inlined calls and source lines out, in the same order. */
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { DebugFiles } from '../debug-files/debug-files.ts';
import { debuginfodOfEnvironment } from '../debug-files/debuginfod.ts';
import { ExitCode, ProfilerError, systemCode } from '../errors.ts';
import type { MappedCode } from '../process/code.ts';
import { LineIndexes } from '../symbolize/lines/line-indexes.ts';
import { symbolize } from '../symbolize/symbolizer.ts';
import { ANSWER_FORMATS, type AnswerFormat } from './address-answers.ts';
import { AddressLines, parseAddressText } from './address-lines.ts';
import { type AddressTarget, fileTarget, processTarget } from './address-targets.ts';
import { say, yellow } from './terminal.ts';

/** The command line as commander hands it over. */
export interface SymbolizeFlags {
  readonly elf?: string;
  readonly pid?: number;
  readonly format: AnswerFormat;
  readonly inlines: boolean;
  readonly lines: boolean;
  readonly debugDir: readonly string[];
}

/** Who asks waits no longer than this for servers of debug files. */
const FETCH_MS = 30_000;

/** What is there of standard input is read at once, up to this many bytes. */
const pieceSize = 2 ** 20;

function usage(message: string, hint: string): ProfilerError {
  return new ProfilerError('usage', message, { hint, exitCode: ExitCode.usage });
}

function openTarget({ elf, pid }: SymbolizeFlags): AddressTarget {
  if (elf !== undefined) return fileTarget(elf);
  if (pid !== undefined) return processTarget(pid);
  throw usage('nothing to look addresses up in.', 'Say --elf FILE or --pid PID.');
}

/** Addresses of the command line; undefined for those of standard input. */
function argumentsOf(texts: readonly string[]): Float64Array | undefined {
  if (texts.length === 0 || (texts.length === 1 && texts[0] === '-')) return undefined;
  const addresses = Float64Array.from(texts, parseAddressText);
  const bad = texts[addresses.findIndex(Number.isNaN)];
  if (bad === undefined) return addresses;
  throw usage(`"${bad}" is no address.`, 'Addresses are hexadecimal, of 64 bits at most: 0x401136 or 401136.');
}

/** Batches of addresses as they come in: an answer does not wait for the next question. */
async function* batches(): AsyncGenerator<Float64Array> {
  const lines = new AddressLines();
  const input: AsyncIterable<Buffer> = createReadStream('', { fd: 0, autoClose: false, highWaterMark: pieceSize });
  for await (const piece of input) yield lines.push(piece);
  yield lines.end();
}

/** Says which lines were no addresses: there may be millions. */
class BadLines {
  #count = 0;
  #first = 0;
  #lines = 0;

  add(addresses: Float64Array): void {
    for (const address of addresses) {
      this.#lines++;
      if (!Number.isNaN(address)) continue;
      this.#count++;
      if (this.#first === 0) this.#first = this.#lines;
    }
  }

  report(): void {
    if (this.#count === 0) return;
    const one = `Line ${this.#first} is no address.`;
    say(yellow(this.#count === 1 ? one : `${this.#count} lines are no addresses, line ${this.#first} is the first.`));
  }
}

/** Prints, at the pace of the reader. False when he went away: he has seen enough (`| head`). */
async function print(text: string | Uint8Array): Promise<boolean> {
  try {
    if (!process.stdout.write(text)) await once(process.stdout, 'drain');
    return process.stdout.writable;
  } catch (error) {
    if (systemCode(error) === 'EPIPE') return false;
    throw new ProfilerError('output', `cannot write standard output: ${systemCode(error)}.`, {
      exitCode: ExitCode.output,
      cause: error,
    });
  }
}

async function printAll(pieces: Iterable<string | Uint8Array>): Promise<boolean> {
  for (const piece of pieces) if (!(await print(piece))) return false;
  return true;
}

/** Looks up one batch after the other. */
class Lookup {
  readonly #target: AddressTarget;
  readonly #flags: SymbolizeFlags;
  readonly #debugFiles: DebugFiles;
  readonly #lineIndexes = new LineIndexes();
  readonly #prepared = new Set<MappedCode>();

  constructor(target: AddressTarget, flags: SymbolizeFlags) {
    this.#target = target;
    this.#flags = flags;
    this.#debugFiles = new DebugFiles({ folders: flags.debugDir, debuginfod: debuginfodOfEnvironment() });
  }

  async answer(addresses: Float64Array): Promise<Iterable<string | Uint8Array>> {
    const located = this.#target.locate(addresses);
    const fresh = located.mappings.filter(mapping => !this.#prepared.has(mapping));
    if (fresh.length > 0) await this.#debugFiles.prepare(fresh, FETCH_MS);
    for (const mapping of fresh) this.#prepared.add(mapping);
    const { format, inlines, lines } = this.#flags;
    const [debugFiles, lineIndexes] = [this.#debugFiles, this.#lineIndexes];
    const options = { llvmNames: format === 'addr2line', inlines, lines, debugFiles, lineIndexes };
    const named = symbolize(located.columns, located.mappings, options);
    return ANSWER_FORMATS[format]({ addresses, located, named, isProcess: this.#target.isProcess });
  }

  close(): void {
    for (const note of this.#debugFiles.takeNotes()) say(yellow(`debug files: ${note}`));
    this.#lineIndexes.save(true);
    this.#lineIndexes.close();
    this.#debugFiles.close();
    this.#target.close();
  }
}

/** The exit code. @throws ProfilerError for wrong usage, a target that cannot be read, output that cannot be written */
export async function symbolizeAddresses(texts: readonly string[], flags: SymbolizeFlags): Promise<ExitCode> {
  const given = argumentsOf(texts);
  const lookup = new Lookup(openTarget(flags), flags);
  const bad = new BadLines();
  try {
    for await (const addresses of given ? [given] : batches()) {
      if (addresses.length === 0) continue;
      bad.add(addresses);
      if (!(await printAll(await lookup.answer(addresses)))) break;
    }
  } finally {
    lookup.close();
  }
  bad.report();
  return ExitCode.ok;
}
