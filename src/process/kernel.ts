/** What the running kernel says of itself and its modules. */

import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import type { ByteSource } from '../elf/bytes.ts';
import type { Elf } from '../elf/format.ts';
import { buildIdOfNotes } from '../elf/notes.ts';
import { openPath } from './files.ts';

/** The build id of the kernel (Documentation/ABI/testing/sysfs-kernel-notes); '' when it does not tell. */
export function kernelBuildId(): string {
  return readBuildId('/sys/kernel/notes');
}

/** The build id of a loaded module (kernel/module/sysfs.c: add_notes_attrs); '' when there is none. */
export function moduleBuildId(module: string): string {
  return /^\w[\w-]*$/.test(module) ? readBuildId(`/sys/module/${module}/notes/.note.gnu.build-id`) : '';
}

/**
 * The running kernel as it was linked, where debug packages of distributions put it (as perf looks, util/symbol.c:
 * vmlinux_path); undefined when it is not there. Only one with the kernel's build id is taken.
 */
export function openVmlinux(): { readonly elf: Elf; readonly bytes: ByteSource } | undefined {
  const buildId = kernelBuildId();
  if (buildId === '') return undefined;
  const paths = [
    `/usr/lib/debug/.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}.debug`,
    `/usr/lib/debug/boot/vmlinux-${release()}`,
    `/usr/lib/debug/boot/vmlinux-${release()}.debug`,
    `/usr/lib/debug/lib/modules/${release()}/vmlinux`,
    `/lib/modules/${release()}/build/vmlinux`,
    `/boot/vmlinux-${release()}`,
  ];
  for (const path of paths) {
    const opened = openPath(path);
    if (opened?.elf?.buildId === buildId) return { elf: opened.elf, bytes: opened.bytes };
    opened?.bytes.close();
  }
  return undefined;
}

function readBuildId(path: string): string {
  try {
    return buildIdOfNotes(readFileSync(path));
  } catch {
    return ''; // no such file in a container, or none for this module
  }
}
