/** Flame graphs from columns of names, frames, stacks and samples. Runs wherever JavaScript runs. */

export type { FlameColor } from './coloring.ts';
export type { FlameData, FlameFrames, FlameSamples, FlameStacks } from './data.ts';
export { FlameKind } from './data.ts';
export { formatCount, formatPercent, formatValue } from './format.ts';
export { renderHtml } from './html.ts';
export type { HtmlData, HtmlOptions, HtmlSampleType, HtmlThreads, HtmlTimeline } from './html-data.ts';
export { type FlameBase, type FlameSide, type FlameTree, type LayoutOptions, layout } from './layout.ts';
export type { SvgOptions } from './options.ts';
export { flameGraphSvg, renderSvg } from './svg.ts';
