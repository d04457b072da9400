/**
 * Colours by kind, in six shades so that neighbours differ: OKLCH at even lightness, chroma cut to what sRGB can show.
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
  /** Fills by kind and shade. */
  readonly fills: readonly (readonly string[])[];
}

export const SHADES = 6;

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
];

export const PALETTES: Readonly<Record<Theme, Palette>> = {
  light: { ink: { background: '#ffffff', text: '#1f2328', muted: '#59636e', label: '#1a1a1a' }, fills: LIGHT },
  dark: { ink: { background: '#0d1117', text: '#f0f6fc', muted: '#9198a1', label: '#0d1117' }, fills: DARK },
};

/** Fill of the root and of the kinds' own swatches. */
export const BASE_SHADE = 1;
export const ROOT_KIND = FlameKind.process;

/** Shade of a name: the same name has the same colour in every picture. FNV-1a over at most 256 code units. */
export function shadeOf(name: string): number {
  let hash = 0x811c9dc5;
  const length = Math.min(name.length, 256);
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return ((hash ^ (hash >>> 15)) >>> 0) % SHADES;
}

/** Style sheet that turns a picture in light colours into a dark one where the viewer prefers that. */
export function darkStyle(): string {
  const { light, dark } = PALETTES;
  const rules = new Map<string, string>();
  for (const [i, shades] of light.fills.entries()) {
    for (const [j, fill] of shades.entries()) rules.set(fill, dark.fills[i]![j]!);
  }
  for (const key of Object.keys(light.ink) as (keyof Ink)[]) rules.set(light.ink[key], dark.ink[key]);
  const text = [...rules].map(([from, to]) => `[fill="${from}"]{fill:${to}}`).join('');
  return `<style>@media (prefers-color-scheme:dark){${text}}</style>\n`;
}
