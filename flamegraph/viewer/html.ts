/** The viewer of the HTML flame graph: reads what is embedded in the page and shows it. */

import type { PageSettings } from '../html-data.ts';
import { unpack } from '../html-unpack.ts';
import { App } from './app.ts';
import { byId, fromBase64, make } from './dom.ts';
import { Profile } from './profile.ts';

async function inflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function start(): Promise<void> {
  const settings = JSON.parse(byId('settings').textContent ?? '') as PageSettings;
  const bytes = fromBase64(byId('data').textContent ?? '');
  const data = unpack(settings.gzip ? await inflate(bytes) : bytes);
  byId('data').remove();
  new App(new Profile(data, settings)).start();
  performance.mark('drawn');
  document.documentElement.dataset.ready = 'true';
}

start().catch((error: unknown) => {
  const reason = error instanceof Error ? error.message : String(error);
  document.body.prepend(make('p', `The profile in this page cannot be shown: ${reason}.`, { role: 'alert' }));
});
