/**
 * Colours: hues in six shades so that neighbours differ, OKLCH at even lightness, chroma cut to what sRGB can show.
 * Every fill carries its label at a contrast of 4.5:1 or better (WCAG AA).
 */

import { FlameKind } from './data.ts';

export type Theme = 'light' | 'dark';

/** Colours that do not depend on a frame. */
export interface Ink {
  readonly background: string;
  readonly text: string;
  readonly muted: string;
  /** Text on a frame. */
  readonly label: string;
}

export interface Palette {
  readonly ink: Ink;
  /** Fills by hue, which for frames coloured by kind is the class (see classOf), and shade. */
  readonly fills: readonly (readonly string[])[];
  /** Fills of a difference: from much less over the same, in the middle, to much more. */
  readonly changes: readonly string[];
  /** Fill of what a search found. */
  readonly match: string;
}

/** What a legend calls each kind. */
export const KIND_LABELS: readonly string[] = [
  'native',
  'kernel',
  'JIT',
  'inlined',
  'interpreted',
  'vDSO',
  'PLT',
  'unknown',
  'process',
];

// biome-ignore format: a table
const LIGHT: readonly (readonly string[])[] = [
  ['#fea660', '#ffb973', '#f7b255', '#fdc25d', '#edbe52', '#f1ce5f'],
  ['#ef898d', '#fc9591', '#f48e83', '#fe9c8a', '#f7947a', '#fea384'],
  ['#9ecf75', '#a0dd88', '#8fd788', '#90e49c', '#7ede9c', '#80ebb0'],
  ['#74d1c8', '#7edcd9', '#75d4d7', '#81dfe8', '#7ad6e5', '#88e1f5'],
  ['#9ac0f8', '#aecafd', '#a8c0fd', '#bccbfe', '#b7c1fd', '#c9ccff'],
  ['#d3abed', '#e3b6f6', '#deadeb', '#edb7f3', '#e8afe8', '#f7b9f0'],
  ['#c9c16a', '#d1ce77', '#c6c871', '#ced57e', '#c3ce79', '#cadb87'],
  ['#c0bdb8', '#ccc9c3', '#c4c1bc', '#d0cdc7', '#c8c5c0', '#d4d0cb'],
  ['#b2bfce', '#becbda', '#b7c3d2', '#c3cede', '#bcc6d6', '#c8d1e2'],
  ['#e3b831', '#e9c742', '#dbc23a', '#e1d04b', '#d3cb46', '#d7d958'],
  ['#f39ed3', '#ffabd9', '#fca1cc', '#feb4d1', '#ffa8c5', '#ffbccd'],
  ['#48d2ea', '#5bddfb', '#56d3f7', '#7ddbfe', '#6ed4fe', '#98dbff'],
];

// biome-ignore format: a table
const DARK: readonly (readonly string[])[] = [
  ['#c57d43', '#cd8b47', '#c0873a', '#c69642', '#b99237', '#bda044'],
  ['#ca7478', '#d6807d', '#ce7970', '#da8576', '#d17f69', '#dc8b6f'],
  ['#779f55', '#7aac66', '#6aa665', '#6db277', '#5dac76', '#60b888'],
  ['#53a099', '#5daba9', '#55a3a6', '#60aeb5', '#59a5b1', '#66b0c1'],
  ['#7392c0', '#829ccc', '#7f93c5', '#8f9dd0', '#8c94c8', '#9b9ed3'],
  ['#a281b7', '#b08bc0', '#ab83b6', '#b98dbf', '#b485b4', '#c290bd'],
  ['#9a944b', '#a2a058', '#989952', '#a0a65e', '#969f59', '#9eab66'],
  ['#93908c', '#9e9b97', '#969490', '#a29f9b', '#9a9893', '#a5a39e'],
  ['#87929e', '#929da9', '#8c95a2', '#97a0ad', '#9099a6', '#9ca3b1'],
  ['#af8c19', '#b69a2b', '#a99422', '#afa134', '#a39c2f', '#a8a940'],
  ['#bb78a2', '#c982a9', '#c37a9d', '#d085a3', '#ca7d98', '#d7889e'],
  ['#2ea1b5', '#41acc4', '#3ba3bf', '#4cadce', '#49a4c9', '#59aed8'],
];

/**
 * One colour for each hue of the tables above, far apart for eyes with two kinds of cones, too: found by search among
 * those of moderate chroma, the least distance in OKLab is 0.10 under full protanopia, deuteranopia and tritanopia, each
 * after Machado (2009), and without them.
 */
// biome-ignore format: a table
const SAFE: readonly (readonly string[])[] = [
  ['#d5a306'], ['#d5650c'], ['#5ff0a8'], ['#bafffd'], ['#7fadff'], ['#b865b4'], ['#fffd6c'], ['#a7a7a7'], ['#b3ccea'],
  ['#e8ce30'], ['#6a86f1'], ['#888a70'],
];

// biome-ignore format: tables
const CHANGES: Readonly<Record<Theme, readonly string[]>> = {
  light: [
    '#48a6ff', '#7cbdff', '#a5d1ff', '#c3e0ff', '#daecff', '#e6e8ea', '#ffe2dd', '#ffd0c7', '#ffb8ab', '#fd9887', '#f57663',
  ],
  dark: [
    '#2896f5', '#549adf', '#6a9dd1', '#7d9fc3', '#8ea1b4', '#9b9fa3', '#b39792', '#c08d84', '#cc8275', '#d77566', '#e76250',
  ],
};

/** Lies on fills of every hue, in both themes. */
const MATCH = '#ee66ff';

const INK: Readonly<Record<Theme, Ink>> = {
  light: { background: '#ffffff', text: '#1f2328', muted: '#59636e', label: '#1a1a1a' },
  dark: { background: '#0d1117', text: '#f0f6fc', muted: '#9198a1', label: '#0d1117' },
};

/** @param safe for people who cannot tell some of the hues apart */
export function paletteOf(theme: Theme, safe: boolean): Palette {
  const hues = theme === 'light' ? LIGHT : DARK;
  return { ink: INK[theme], fills: safe ? SAFE : hues, changes: CHANGES[theme], match: MATCH };
}

/** Hue of the root. */
export const ROOT_HUE = FlameKind.process;
/** Hue of what is unknown, or one of many. */
export const OTHER_HUE = FlameKind.unknown;
/** The shade that stands for a hue. */
export const BASE_SHADE = 1;

/** Of any shades, which: the same name has the same in every picture. FNV-1a over at most 256 code units, 32 bits. */
export function shadeOf(name: string): number {
  let hash = 0x811c9dc5;
  const length = Math.min(name.length, 256);
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** Rules of a style sheet that turn a picture in light colours into a dark one. */
export function darkRules(safe: boolean): string {
  const [light, dark] = [paletteOf('light', safe), paletteOf('dark', safe)];
  const rules = new Map<string, string>();
  const [from, to] = [[light.fills, light.changes].flat(2), [dark.fills, dark.changes].flat(2)];
  for (const [i, fill] of from.entries()) if (fill !== to[i]) rules.set(fill, to[i]!);
  for (const key of Object.keys(light.ink) as (keyof Ink)[]) rules.set(light.ink[key], dark.ink[key]);
  return [...rules].map(([fill, other]) => `[fill="${fill}"]{fill:${other}}`).join('');
}
