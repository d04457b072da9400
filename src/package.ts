/** Where the package lies and which version it is. */
import { existsSync, readFileSync } from 'node:fs';

function findRoot(): string {
  let directory = new URL('.', import.meta.url);
  while (!existsSync(new URL('package.json', directory))) directory = new URL('..', directory);
  return decodeURIComponent(directory.pathname);
}

/** Absolute, with a trailing slash. */
export const packageRoot = findRoot();

export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(`${packageRoot}package.json`, 'utf8')) as { version: string };
  return version;
}
