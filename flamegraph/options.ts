/** What a picture can be told, and the limits of it. */

import type { FlameColor } from './coloring.ts';
import type { Theme } from './palette.ts';

export interface SvgOptions {
  readonly title?: string;
  /** What was recorded: command, event, duration. */
  readonly subtitle?: string;
  /** What a reader must know to trust the picture: losses, truncation. One line or more for each. */
  readonly notes?: readonly string[];
  /** Unit of the values: `nanoseconds`, `bytes`, `count` (default) and their like are shown human-readable. */
  readonly unit?: string;
  /** px, 200 … 20,000, default 1200. With script, a picture of its own becomes as wide as its window. */
  readonly width?: number;
  /** Roots on top (an icicle graph) instead of at the bottom. */
  readonly inverted?: boolean;
  /** What colours say: default `change` for a difference, else `kind`. `change` needs samples with a base. */
  readonly color?: FlameColor;
  /** Colours that stay apart for people who see fewer hues. */
  readonly colorBlindSafe?: boolean;
  /** Frames narrower than this are left out and counted at the bottom. px, default 0.2. */
  readonly minWidth?: number;
  /** Most frames in the picture, default 8,000, about 2 MB: the narrowest are left out and counted. */
  readonly maxFrames?: number;
  /** Deeper frames are left out and counted, default 1,500 (a picture of 25,600 px). */
  readonly maxDepth?: number;
  /** `auto` (default): light, and dark for viewers who prefer that. */
  readonly theme?: Theme | 'auto';
  /** Zoom, search, keyboard, for viewers that run scripts. Default yes; without, the picture is the same and static. */
  readonly script?: boolean;
}

/** Options in range, with what they are by default. */
export type Settings = Required<SvgOptions>;

function inRange(name: string, value: number, least: number, most: number): number {
  if (!(value >= least && value <= most)) throw new RangeError(`${name} is ${value}: expected ${least} … ${most}`);
  return value;
}

/** @throws RangeError for an option out of range */
export function settingsOf(options: SvgOptions, difference: boolean): Settings {
  const width = inRange('width', options.width ?? 1200, 200, 20_000);
  return {
    title: options.title ?? 'Flame graph',
    subtitle: options.subtitle ?? '',
    notes: options.notes ?? [],
    unit: options.unit ?? 'count',
    width,
    inverted: options.inverted ?? false,
    color: options.color ?? (difference ? 'change' : 'kind'),
    colorBlindSafe: options.colorBlindSafe ?? false,
    minWidth: inRange('minWidth', options.minWidth ?? 0.2, 0, width),
    maxFrames: inRange('maxFrames', options.maxFrames ?? 8000, 1, 1e7),
    maxDepth: inRange('maxDepth', options.maxDepth ?? 1500, 1, 1e5),
    theme: options.theme ?? 'auto',
    script: options.script ?? true,
  };
}

/** The part of the whole that a frame must have to be drawn: what a layout need not go below. */
export function minShareOf({ width, minWidth }: Settings): number {
  return minWidth / (width - 2 * MARGIN);
}

/** Space at the edges, px. */
export const MARGIN = 10;
