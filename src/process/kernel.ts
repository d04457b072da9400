/** What the running kernel says of itself and its modules. */

import { readFileSync } from 'node:fs';
import { buildIdOfNotes } from '../elf/notes.ts';

/** The build id of the kernel (Documentation/ABI/testing/sysfs-kernel-notes); '' when it does not tell. */
export function kernelBuildId(): string {
  return readBuildId('/sys/kernel/notes');
}

/** The build id of a loaded module (kernel/module/sysfs.c: add_notes_attrs); '' when there is none. */
export function moduleBuildId(module: string): string {
  return /^\w[\w-]*$/.test(module) ? readBuildId(`/sys/module/${module}/notes/.note.gnu.build-id`) : '';
}

function readBuildId(path: string): string {
  try {
    return buildIdOfNotes(readFileSync(path));
  } catch {
    return ''; // no such file in a container, or none for this module
  }
}
