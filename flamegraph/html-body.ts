/** The markup of a page: what there is to see and to press. The viewer fills it and shows the parts that apply. */

function select(id: string, label: string, choices: readonly (readonly [value: string, text: string])[]): string {
  const options = choices.map(([value, text]) => `<option value="${value}">${text}</option>`).join('');
  return `<label id="${id}-label">${label} <select id="${id}">${options}</select></label>\n`;
}

function toggle(id: string, label: string, title: string): string {
  return `<label id="${id}-label" class="toggle" title="${title}"><input type="checkbox" id="${id}"> ${label}</label>\n`;
}

function graph(id: string): string {
  return `<div id="${id}" class="graph"></div>\n`;
}

const HEADS = [
  ['self', 'Self'],
  ['total', 'Total'],
  ['changeSelf', 'Self change'],
  ['changeTotal', 'Total change'],
  ['name', 'Function'],
] as const;

const KEYS = [
  ['click, Enter', 'zoom to a frame'],
  ['double click, s', 'callers and callees of a function'],
  ['right click, menu key', 'what can be done with a frame'],
  ['arrows, Home', 'go from frame to frame'],
  ['/ or Ctrl+F', 'search; Enter goes to the next match; /text/ is a regular expression'],
  ['Esc, 0', 'clear the search, show everything'],
  ['i, r', 'roots on top, reverse'],
] as const;

const HEADINGS = HEADS.map(([column, text]) => {
  const changes = column.startsWith('change') ? ' class="change"' : '';
  return `<th scope="col"${changes}><button type="button" class="sort" data-column="${column}">${text}</button></th>`;
}).join('');

const SETTINGS =
  select('type', 'Value', []) +
  select('order', 'Order', [
    ['name', 'by name'],
    ['heavy', 'left heavy'],
    ['time', 'by time'],
  ]) +
  select('colors', 'Colours', [
    ['kind', 'kind of code'],
    ['module', 'module'],
    ['name', 'name'],
    ['change', 'change'],
  ]) +
  select('side', 'Widths', [
    ['both', 'base and head'],
    ['head', 'head'],
    ['base', 'base'],
  ]) +
  select('change', 'Change of', [
    ['total', 'total'],
    ['self', 'self'],
  ]) +
  toggle('normalize', 'shares', 'Compare shares of the totals, not the values themselves') +
  toggle('reverse', 'reverse', 'Merge stacks from their innermost frames on') +
  toggle('inverted', 'icicle', 'Roots on top') +
  toggle('recursion', 'fold recursion', 'Calls of a function by itself are one frame') +
  toggle('packages', 'fold node_modules', 'Frames of a package are one frame') +
  toggle('safe', 'colour-blind', 'Colours for people who cannot tell some hues apart');

/** @param title and @param facts markup, already escaped */
export function body(title: string, facts: string): string {
  return `<noscript><p>The picture needs JavaScript, which this browser does not run. An SVG of it would not.</p></noscript>
<header><h1 id="title">${title}</h1><span id="sum"></span><span class="space"></span>
<button type="button" id="download" hidden>Download pprof</button>
<button type="button" id="theme" title="Light or dark">Dark</button></header>
<div class="bar" role="group" aria-label="View">
<span class="views"><button type="button" id="view-flame" aria-pressed="true">Flame graph</button><button type="button" id="view-functions" aria-pressed="false">Functions</button></span>
<input type="search" id="search" placeholder="Search (/)" aria-label="Search functions" spellcheck="false" autocomplete="off">
<output id="matched"></output><span class="space"></span>
<button type="button" id="reset" disabled>Reset zoom</button></div>
<div class="bar settings" role="group" aria-label="Settings">
${SETTINGS}</div>
<div id="tabs" role="tablist" aria-label="Threads" hidden></div>
<section id="time" aria-label="Samples over time" hidden><div class="line"><span>Samples by second, across, and by part of the second, upwards</span> <output id="range"></output> <button type="button" id="all-time" hidden>All of the time</button></div><div id="heatmap"></div></section>
<main id="flame-view"><nav id="crumbs" aria-label="Callers of the frame that fills the width"></nav>
${graph('flame')}</main>
<main id="functions-view" hidden><section id="table" aria-label="Functions"><div class="line"><input type="search" id="filter" placeholder="Filter" aria-label="Filter functions" spellcheck="false" autocomplete="off"> <output id="count"></output></div>
<div class="scroll"><table><caption class="hidden">Functions with their own and their inclusive values</caption><thead><tr>${HEADINGS}</tr></thead><tbody id="rows"></tbody></table><button type="button" id="more" hidden>Show more</button></div></section>
<section id="sandwich" aria-label="Callers and callees"><h2 id="sandwich-title"></h2><p id="sandwich-hint">Choose a function to see who calls it and what it calls.</p><div id="sandwich-graphs" hidden><h3>Callers</h3>
${graph('callers')}<h3>Callees</h3>
${graph('callees')}</div></section></main>
<p id="status" aria-hidden="true"></p>
<footer><div id="legend" role="group" aria-label="Colours"></div>
<details><summary>About this recording</summary><dl>
${facts}</dl></details>
<details><summary>Keys</summary><dl>${KEYS.map(([key, text]) => `<dt>${key}</dt><dd>${text}</dd>`).join('')}</dl></details></footer>
<div id="tooltip" hidden aria-hidden="true"></div>
<div id="menu" role="menu" hidden></div>
<div id="live" class="hidden" aria-live="polite"></div>
`;
}
