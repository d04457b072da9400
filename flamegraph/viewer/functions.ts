/** Functions: frames of the same name and kind, or, collapsed, all frames of a package below node_modules. */

import { FlameKind, KINDS } from '../data.ts';
import { PairTable } from '../html-pairs.ts';
import type { ViewerData } from '../html-unpack.ts';

/** Stands for the root, which is no function. */
export const NO_FUNCTION = -1;

export interface Functions {
  readonly length: number;
  /** By frame: index of its function. */
  readonly of: Uint32Array;
  readonly names: readonly string[];
  readonly kinds: readonly number[];
  /** Where the first of its frames is, and whether others are elsewhere. */
  readonly details: readonly string[];
  readonly mixed: Uint8Array;
  /** '' for none. */
  readonly modules: readonly string[];
  /** Index from which on functions are packages. */
  readonly firstPackage: number;
}

const PACKAGE = /.*[\\/]node_modules[\\/]((?:@[^\\/:]+[\\/])?[^\\/:]+)/s;

/** `express` for `…/node_modules/express/lib/router.js:12`; '' elsewhere. */
function packageOf(...texts: readonly string[]): string {
  for (const text of texts) {
    if (text.includes('node_modules')) return PACKAGE.exec(`/${text.slice(0, 1024)}`)?.[1]?.replace('\\', '/') ?? '';
  }
  return '';
}

/** Functions in the order of their names, packages last: a smaller index stands further left. */
export function functionsOf({ names, frames }: ViewerData, collapsePackages: boolean): Functions {
  const of = new Uint32Array(frames.length);
  // Names stand in order, so that equal ones are neighbours.
  const first = new Uint32Array(names.length);
  for (let i = 1; i < names.length; i++) first[i] = names[i] === names[i - 1] ? first[i - 1]! : i;
  const order = Uint32Array.from({ length: frames.length }, (_, i) => i).sort(
    (a, b) => first[frames.name[a]!]! - first[frames.name[b]!]! || frames.kind[a]! - frames.kind[b]!,
  );
  const known = new PairTable();
  const result = { names: [] as string[], kinds: [] as number[], details: [] as string[], modules: [] as string[] };
  const mixed = new Uint8Array(frames.length + 1);
  const inPackage = new Map<string, number[]>();
  const detailOf = (frame: number) => names[frames.detail[frame]!]!;
  for (const frame of order) {
    const name = names[frames.name[frame]!]!;
    const kind = frames.kind[frame]! < KINDS ? frames.kind[frame]! : FlameKind.unknown;
    const owner = collapsePackages ? packageOf(detailOf(frame), names[frames.module[frame]!]!, name) : '';
    if (owner !== '') {
      const list = inPackage.get(owner);
      if (list) list.push(frame);
      else inPackage.set(owner, [frame]);
      continue;
    }
    const found = known.findOrSet(first[frames.name[frame]!]!, kind, result.names.length);
    of[frame] = found < 0 ? result.names.length : found;
    if (found >= 0) {
      if (result.details[found] !== detailOf(frame)) mixed[found] = 1;
      continue;
    }
    result.names.push(name);
    result.kinds.push(kind);
    result.details.push(detailOf(frame));
    result.modules.push(names[frames.module[frame]!]!);
  }
  const firstPackage = result.names.length;
  for (const [owner, list] of inPackage) {
    for (const frame of list) of[frame] = result.names.length;
    result.names.push(`node_modules/${owner}`);
    result.kinds.push(frames.kind[list[0]!]!);
    result.details.push('package');
    result.modules.push(owner);
  }
  return { length: result.names.length, of, ...result, mixed, firstPackage };
}
