/** Where debug files may lie (GDB manual, Separate Debug Files): paths to look at, best first. Nothing is opened here. */

import { dirname } from 'node:path';

/** Where distributions put them. */
const GLOBAL = '/usr/lib/debug';

/** A path below a root directory; `root` is a prefix of paths, '' for our own root. */
export interface Place {
  readonly root: string;
  readonly path: string;
}

/** Folders with a `.build-id` folder or with the tree of the whole system in them. */
export function debugFolders(root: string, own: readonly string[]): Place[] {
  const places = own.map(path => ({ root: '', path }));
  if (root !== '') places.push({ root, path: GLOBAL });
  places.push({ root: '', path: GLOBAL });
  return places;
}

/** The first byte of a build id names a folder, the rest the file in it. */
export function byBuildId(folders: readonly Place[], buildId: string, suffix = '.debug'): Place[] {
  if (buildId.length < 4) return [];
  const name = `.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}${suffix}`;
  return folders.map(({ root, path }) => ({ root, path: `${path}/${name}` }));
}

/** Beside the program, in `.debug` there, and where its folder is repeated below a folder of debug files. */
export function byDebugLink(root: string, program: string, folders: readonly Place[], name: string): Place[] {
  const folder = dirname(program);
  const within = folder === '/' ? '' : folder;
  return [
    { root, path: `${within}/${name}` },
    { root, path: `${within}/.debug/${name}` },
    ...folders.map(({ root, path }) => ({ root, path: `${path}${within}/${name}` })),
  ];
}

/** What `.gnu_debugaltlink` names, from the folder of the file that says so; else by build id, else by name in `.dwz`. */
export function byAltLink(from: Place, folders: readonly Place[], path: string, buildId: string): Place[] {
  const named = path.startsWith('/') ? path : `${dirname(from.path)}/${path}`;
  const name = path.slice(path.lastIndexOf('/') + 1);
  return [
    { root: from.root, path: named },
    ...byBuildId(folders, buildId),
    ...folders.map(({ root, path }) => ({ root, path: `${path}/.dwz/${name}` })),
  ];
}

/** A split unit (DWARF 5, 3.1.2): by its name from the folder of its compilation, or beside the program. */
export function bySplitName(from: Place, name: string, directory: string): Place[] {
  const { root } = from;
  const base = name.slice(name.lastIndexOf('/') + 1);
  return [
    { root, path: name.startsWith('/') ? name : `${directory}/${name}` },
    { root, path: `${dirname(from.path)}/${name.startsWith('/') ? base : name}` },
    { root, path: `${dirname(from.path)}/${base}` },
  ];
}
