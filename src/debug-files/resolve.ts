/**
 * Paths as somebody with another root directory means them. The kernel follows an absolute symbolic link from our root;
 * here it is followed from theirs. What a link is changed to in between does no harm: every file is checked after it
 * was opened.
 */

import { existsSync, readlinkSync } from 'node:fs';
import { systemCode } from '../errors.ts';

/** As the kernel counts (include/linux/namei.h: MAXSYMLINKS). */
const MAX_LINKS = 40;

/**
 * The path without links, relative to `root`, a prefix of paths ('' for our own root). undefined when something on the
 * way does not exist.
 */
export function resolveWithin(root: string, path: string): string | undefined {
  // Most places are empty, and to be told so by an error for each costs ten times as much.
  if (root === '' && !existsSync(path)) return undefined;
  const left = path.split('/').reverse();
  const resolved: string[] = [];
  for (let links = 0; left.length > 0; ) {
    const part = left.pop()!;
    if (part === '' || part === '.') continue;
    if (part === '..') {
      resolved.pop();
      continue;
    }
    const target = linkAt(`${root}/${[...resolved, part].join('/')}`);
    if (target === undefined) return undefined;
    if (target === '') resolved.push(part);
    else {
      if (++links > MAX_LINKS) return undefined;
      if (target.startsWith('/')) resolved.length = 0;
      left.push(...target.split('/').reverse());
    }
  }
  return `/${resolved.join('/')}`;
}

/** Where a link leads to, '' for what is no link, undefined for what is not there. */
function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    return systemCode(error) === 'EINVAL' ? '' : undefined;
  }
}
