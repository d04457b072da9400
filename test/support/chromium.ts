/** The distribution's Chromium, without a screen and without the network. */

import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

export const chromiumPath = process.env.CHROMIUM ?? '/usr/bin/chromium';
export const withoutChromium = !existsSync(chromiumPath);

const ARGS = '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking';

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath, args: ARGS.split(' ') });
}

/** Collects what a page should not do: console messages, exceptions, dialogs, requests that are not `allowed`. */
export function watch(page: Page, trouble: string[], allowed: (url: string) => boolean): void {
  page.on('console', message => trouble.push(`console: ${message.text()}`));
  page.on('pageerror', error => trouble.push(`error: ${error.message}`));
  page.on('dialog', async dialog => {
    trouble.push(`dialog: ${dialog.message()}`);
    await dialog.dismiss();
  });
  page.on('request', request => {
    if (!allowed(request.url())) trouble.push(`request: ${request.url()}`);
  });
}
