/** The files that the DWARF of one program is spread over. */

import type { ByteSource } from '../bytes.ts';
import type { Elf } from '../format.ts';

export interface DwarfFile {
  readonly elf: Elf;
  readonly bytes: ByteSource;
}

export interface DwarfParts {
  /** Has .debug_info, or the skeletons of split units. */
  readonly main: DwarfFile;
  /** What .gnu_debugaltlink names (DWZ). */
  readonly supplementary?: DwarfFile;
  /** The .dwp, if there is one. */
  readonly package?: DwarfFile;
  /** Opens a .dwo by DW_AT_dwo_name, DW_AT_comp_dir and id (16 hex digits); undefined when it cannot be had. */
  readonly split?: (name: string, directory: string, id: string) => DwarfFile | undefined;
}
