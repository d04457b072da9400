import { describe, expect, test } from 'vitest';
import { CHANGE_STEPS } from '../../flamegraph/coloring.ts';
import { type FlameColor, FlameKind, flameGraphSvg } from '../../flamegraph/index.ts';
import { CLASS_LABELS } from '../../flamegraph/language.ts';
import { darkRules, paletteOf } from '../../flamegraph/palette.ts';
import { collapsed, flameData } from './fixture.ts';

type Color = readonly [number, number, number];

/** Linear sRGB. */
function linear(hex: string): Color {
  const [r, g, b] = [1, 3, 5].map(i => {
    const c = Number.parseInt(hex.slice(i, i + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return [r!, g!, b!];
}

function times(rows: readonly Color[], [a, b, c]: Color): Color {
  const [x, y, z] = rows.map(row => row[0] * a + row[1] * b + row[2] * c);
  return [x!, y!, z!];
}

/** Contrast after WCAG 2. */
function contrast(a: string, b: string): number {
  const luminance = (hex: string) => times([[0.2126, 0.7152, 0.0722]], linear(hex))[0];
  const [dark, light] = [luminance(a), luminance(b)].toSorted((x, y) => x - y);
  return (light! + 0.05) / (dark! + 0.05);
}

/** Linear sRGB to OKLab, after https://bottosson.github.io/posts/oklab/. */
function oklab(color: Color): Color {
  const [l, m, s] = times(
    [
      [0.4122214708, 0.5363325363, 0.0514459929],
      [0.2119034982, 0.6806995451, 0.1073969566],
      [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    color,
  );
  return times(
    [
      [0.2104542553, 0.793617785, -0.0040720468],
      [1.9779984951, -2.428592205, 0.4505937099],
      [0.0259040371, 0.7827717662, -0.808675766],
    ],
    [Math.cbrt(l), Math.cbrt(m), Math.cbrt(s)],
  );
}

/** On linear sRGB at full severity, after Machado, Oliveira, Fernandes (2009). */
const EYES: Readonly<Record<string, readonly Color[]>> = {
  'three kinds of cones': [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

function seen(eyes: readonly Color[], hex: string): Color {
  const [r, g, b] = times(eyes, linear(hex)).map(c => Math.min(1, Math.max(0, c)));
  return oklab([r!, g!, b!]);
}

function distance(eyes: readonly Color[], a: string, b: string): number {
  const [x, y] = [seen(eyes, a), seen(eyes, b)];
  return Math.hypot(x[0] - y[0], x[1] - y[1], x[2] - y[2]);
}

function leastDistance(eyes: readonly Color[], fills: readonly string[]): number {
  return Math.min(...fills.flatMap((a, i) => fills.slice(0, i).map(b => distance(eyes, a, b))));
}

describe.each(Object.keys(EYES))('seen with %s', name => {
  const eyes = EYES[name]!;
  test.each(['light', 'dark'] as const)('safe colours of kinds stay apart, %s', theme => {
    expect(leastDistance(eyes, paletteOf(theme, true).fills.flat())).toBeGreaterThan(0.1);
  });
  test.each(['light', 'dark'] as const)('less and more are never the same, %s', theme => {
    const { changes } = paletteOf(theme, false);
    const middle = CHANGE_STEPS.length;
    // From the second step on; the first is a tenth of a percent.
    for (let step = 2; step <= middle; step++) {
      expect(distance(eyes, changes[middle - step]!, changes[middle + step]!), `step ${step}`).toBeGreaterThan(0.06);
    }
  });
});

test('the usual colours would not pass for safe ones', () => {
  const usual = paletteOf('light', false).fills.map(shades => shades[1]!);
  expect(leastDistance(EYES.deuteranopia!, usual)).toBeLessThan(0.05);
});

describe.each([
  ['light', false],
  ['dark', false],
  ['light', true],
  ['dark', true],
] as const)('%s colours, safe: %s', (theme, safe) => {
  const { ink, fills, changes, match } = paletteOf(theme, safe);
  test('labels are readable on every fill', () => {
    for (const fill of [fills, changes, match].flat(2)) expect(contrast(fill, ink.label), fill).toBeGreaterThan(4.5);
  });
  test('text is readable on the background', () => {
    for (const color of [ink.text, ink.muted]) expect(contrast(color, ink.background), color).toBeGreaterThan(4.5);
  });
  test('every kind has its own', () => {
    expect(fills.length).toBe(CLASS_LABELS.length);
    expect(new Set(fills.flat()).size).toBe(fills.flat().length);
  });
});

test('the style sheet turns every light colour into the dark one of the same place', () => {
  const [light, dark] = [paletteOf('light', false), paletteOf('dark', false)];
  const rules = darkRules(false);
  // A rule for each: no light colour may stand for two things.
  expect(rules.split('[fill=').length - 1).toBe(light.fills.flat().length + light.changes.length + 4);
  expect(rules).toContain(`[fill="${light.fills[1]![2]}"]{fill:${dark.fills[1]![2]}}`);
  expect(rules).toContain(`[fill="${light.changes[0]}"]{fill:${dark.changes[0]}}`);
});

describe('what colours say', () => {
  const data = flameData([
    [
      [
        ['main', 'native', 'app'],
        ['read', 'native', 'libc'],
      ],
      60,
    ],
    [
      [
        ['main', 'native', 'app'],
        ['sys_read', 'kernel', '[kernel]'],
      ],
      30,
    ],
    [[['main', 'native', 'app']], 10],
  ]);
  const draw = (color: FlameColor) => [...flameGraphSvg(data, { color, theme: 'light', script: false })].join('');
  /** By first line of the title. */
  const fillOf = (text: string, name: string) =>
    new RegExp(`<g><title>${name}\n[^<]*</title><rect[^>]*fill="([^"]*)"`).exec(text)?.[1];
  const { fills } = paletteOf('light', false);

  test('kinds', () => {
    const text = draw('kind');
    expect(fills[FlameKind.native]).toContain(fillOf(text, 'read'));
    expect(fills[FlameKind.kernel]).toContain(fillOf(text, 'sys_read'));
    expect(text).toContain('>native 70.0 %</text>');
    expect(text).toContain('>kernel 30.0 %</text>');
  });

  test('modules: a hue for each, those with the most samples first', () => {
    const text = draw('module');
    expect(['read', 'sys_read', 'main'].map(name => fills.findIndex(hue => hue.includes(fillOf(text, name)!)))).toEqual(
      [0, 1, 2],
    );
    const legend = [...text.matchAll(/>([^<>]* % ?)<\/text>/g)].map(([, label]) => label);
    expect(legend).toEqual(['libc 60.0 %', '[kernel] 30.0 %', 'app 10.0 %']);
  });

  test('more modules than hues: the rest is one', () => {
    const many = flameData(Array.from({ length: 12 }, (_, i) => [[[`f${i}`, 'native', `lib${i}`]], 100 - i]));
    const text = [...flameGraphSvg(many, { color: 'module', script: false })].join('');
    expect(text).toContain('>lib6 ');
    expect(text).not.toContain('>lib7 ');
    expect(text).toMatch(/>other 40\.\d %</);
  });

  test('names: the same name has the same colour wherever it is', () => {
    const text = [...flameGraphSvg(collapsed('a;b;a 1\nb 1'), { color: 'name', script: false })].join('');
    const fillsOfA = [...text.matchAll(/<title>a\n[^<]*<\/title><rect[^>]*fill="([^"]*)"/g)].map(([, fill]) => fill);
    expect(fillsOfA).toHaveLength(2);
    expect(new Set(fillsOfA).size).toBe(1);
    expect(text).toContain('a colour for each name');
  });

  test('changes need something to compare with', () => {
    expect(() => draw('change')).toThrow('color is change: expected samples with a base');
  });
});
