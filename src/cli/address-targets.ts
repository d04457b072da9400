/** What addresses can be of: a file, or a process with all that it has mapped. */
import { ExitCode, ProfilerError } from '../errors.ts';
import { Miss } from '../model/profile.ts';
import { CodeTable, type MappedCode } from '../process/code.ts';
import { Locations } from '../process/locations.ts';
import { ProcessTable } from '../process/table.ts';
import type { AddressColumns } from '../symbolize/symbolizer.ts';

/** Where addresses lie. Several addresses may share a row of the columns. */
export interface LocatedAddresses {
  readonly columns: AddressColumns;
  readonly mappings: readonly MappedCode[];
  /** For each address its row, −1 for NaN. */
  readonly rows: Int32Array;
}

export interface AddressTarget {
  /** Whether addresses can lie in several files. */
  readonly isProcess: boolean;
  locate(addresses: Float64Array): LocatedAddresses;
  close(): void;
}

/** @throws ProfilerError when it is no ELF file that can be read, or has no addresses */
export function fileTarget(path: string): AddressTarget {
  const table = new CodeTable();
  const code = table.open(path);
  if (code === undefined || code === 'not-elf') throw code ? notElf(path) : noFile(path);
  return {
    isProcess: false,
    locate(addresses) {
      const { length } = addresses;
      const rows = Int32Array.from(addresses, (address, i) => (Number.isNaN(address) ? -1 : i));
      const miss = Uint8Array.from(rows, row => (row < 0 ? Miss.unmapped : Miss.none));
      return { rows, mappings: [code], columns: { length, mapping: new Int32Array(length), address: addresses, miss } };
    },
    close: () => table.close(),
  };
}

function noFile(path: string): ProfilerError {
  const hint = 'It has to be a regular file that you may read.';
  return new ProfilerError('no-target', `cannot read ${path}: no such regular file.`, {
    hint,
    exitCode: ExitCode.noTarget,
  });
}

function notElf(path: string): ProfilerError {
  const hint = 'It has to be a program, a library or a debug file; the addresses of a process go with --pid.';
  return new ProfilerError('not-elf', `${path} is no ELF file, or is damaged.`, { hint, exitCode: ExitCode.noTarget });
}

/** @throws ProfilerError when its mappings cannot be read */
export function processTarget(pid: number): AddressTarget {
  const image = new ProcessTable({ followAll: false }).image(pid);
  if (!image.mappings) {
    const hint = '`ps -e` lists the running processes; those of other users need CAP_SYS_PTRACE.';
    throw new ProfilerError('no-target', `cannot read the mappings of process ${pid}.`, {
      hint,
      exitCode: ExitCode.noTarget,
    });
  }
  const table = new CodeTable();
  return {
    isProcess: true,
    locate(addresses) {
      // Anew for each batch: millions of addresses are not kept.
      const locations = new Locations(table);
      const rows = Int32Array.from(addresses, address => {
        if (Number.isNaN(address)) return -1;
        const [low, high] = [address % 2 ** 32, Math.floor(address / 2 ** 32)];
        return address < 0 ? locations.kernel(low, high) : locations.user(image, low, high);
      });
      return { rows, mappings: locations.mappings, columns: locations };
    },
    close: () => table.close(),
  };
}
