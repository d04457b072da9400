/** Flame graphs from columns of names, frames, stacks and samples. Runs wherever JavaScript runs. */

export type { FlameData, FlameFrames, FlameSamples, FlameStacks } from './data.ts';
export { FlameKind } from './data.ts';
export { formatCount, formatPercent, formatValue } from './format.ts';
export { type FlameTree, layout } from './layout.ts';
export type { SvgOptions } from './picture.ts';
export { renderSvg } from './svg.ts';
