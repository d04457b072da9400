/** What the address of the picture says about the view: after `#`, so that it can be sent to somebody. */

export interface Link {
  /** Hash of the path of the frame that is zoomed into, '' for all. */
  readonly zoom: string;
  readonly search: string;
  readonly inverted: boolean;
}

/** FNV-1a, going on from another hash. */
function mix(hash: number, text: string, prime: number): number {
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), prime);
  return hash >>> 0;
}

/**
 * By frame a short text that stands for its path from the root, wherever in whatever picture of the stacks. Names are not
 * in it: they may be long and hold anything. Frames with the same path are counted, in their order, which is that of names.
 */
export function pathHashes(names: readonly string[], parent: Int32Array): string[] {
  const low = new Uint32Array(names.length).fill(0x811c9dc5);
  const high = new Uint32Array(names.length).fill(0x6b43a9b5);
  const taken = new Set<string>();
  return names.map((name, i) => {
    const caller = parent[i]!;
    if (caller < 0) return '';
    // What no name has in it, a line break, ends each.
    low[i] = mix(low[caller]!, `${name}\n`, 0x01000193);
    high[i] = mix(high[caller]!, `${name}\n`, 0x85ebca6b);
    let hash = '';
    for (let count = 0; hash === '' || taken.has(hash); count++) {
      hash = low[i]!.toString(36) + high[i]!.toString(36).padStart(7, '0') + (count > 0 ? `.${count}` : '');
    }
    taken.add(hash);
    return hash;
  });
}

export function readLink(inverted: boolean): Link {
  const parameters = new URLSearchParams(location.hash.slice(1));
  const direction = parameters.get('roots');
  return {
    zoom: parameters.get('zoom') ?? '',
    search: (parameters.get('search') ?? '').slice(0, 200),
    inverted: direction === null ? inverted : direction === 'top',
  };
}

/** @param inverted what the picture is without a word about it */
export function writeLink(link: Link, inverted: boolean, replace: boolean): void {
  const parameters = new URLSearchParams();
  if (link.zoom !== '') parameters.set('zoom', link.zoom);
  if (link.search !== '') parameters.set('search', link.search);
  if (link.inverted !== inverted) parameters.set('roots', link.inverted ? 'top' : 'bottom');
  const hash = parameters.toString();
  if (hash === location.hash.slice(1)) return;
  const url = `${location.pathname}${location.search}${hash === '' ? '' : `#${hash}`}`;
  try {
    if (replace) history.replaceState(null, '', url);
    else history.pushState(null, '', url);
  } catch {
    // A document without an address of its own, as in a sandboxed frame: nothing to send, and all else works.
  }
}
