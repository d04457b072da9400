/** Pages for people: plain HTML, without scripts, complete in themselves. */
import { escapeXml } from '../../flamegraph/text.ts';
import { packageVersion } from '../package.ts';
import type { Agent } from './agent.ts';

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse}td,th{padding:.2rem 1rem .2rem 0;text-align:left}iframe{width:100%;height:36rem;border:0}
:root{color-scheme:light dark}`;

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title><style>${STYLE}</style></head>
<body><h1>${title}</h1>
${body}
</body></html>
`;
}

function row(cells: readonly (string | number)[], tag = 'td'): string {
  return `<tr>${cells.map(cell => `<${tag}>${escapeXml(String(cell))}</${tag}>`).join('')}</tr>`;
}

function sinkTable({ delivery }: Agent): string {
  const heads = row(['sink', 'sent', 'waiting', 'dropped', 'last error'], 'th');
  const rows = delivery.routes.map(({ name, uploader }) => {
    const { sentEntries, entries, dropped, lastError } = uploader.state;
    const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    return row([name, sentEntries, entries, lost, lastError ?? '']);
  });
  return `<table>${heads}${rows.join('')}</table>`;
}

/** What the agent does, and a flame graph of the next seconds. */
export function statusPage(agent: Agent): string {
  const { last, counts, config } = agent;
  const rows = [
    row(['version', packageVersion()]),
    row(['sampling', `${agent.event} at ${agent.hz} Hz, windows of ${config.window / 1000} s`]),
    row(['samples', counts.samples]),
    row(['windows', `${counts.windows}, ${counts.windowsFailed} failed`]),
    row(['last window', last ? `${last.samples} samples in ${last.series} series` : 'none yet']),
    row(['memory', `${(process.memoryUsage.rss() / 2 ** 20).toFixed(0)} MiB`]),
    ...[...agent.losses].filter(([, count]) => count > 0).map(([cause, count]) => row([cause, count])),
  ];
  return page(
    'profiler agent',
    `<table>${rows.join('')}</table>
<h2>Sinks</h2>${sinkTable(agent)}
<h2>The next 5 seconds</h2>
<iframe title="flame graph" src="/flamegraph.svg?seconds=5"></iframe>
<p><a href="/debug/pprof/">profiles</a> · <a href="/metrics">metrics</a> · <a href="/healthz">health</a></p>`,
  );
}

/** What can be pulled, for those who know Go's page of the same name. */
export function indexPage(): string {
  return page(
    '/debug/pprof/',
    `<table>${row(['path', 'what it answers'], 'th')}
<tr><td><a href="profile?seconds=10">profile?seconds=10</a></td><td>CPU profile of the next seconds, pprof</td></tr>
<tr><td>profile?seconds=10&amp;service=NAME</td><td>of one service; other labels select likewise</td></tr>
<tr><td><a href="/flamegraph.svg?seconds=5">/flamegraph.svg?seconds=5</a></td><td>the same as a picture</td></tr>
</table>`,
  );
}
