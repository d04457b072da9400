/** The part of the configuration that all backends on the network share. */

import { z } from 'zod';
import { type AuthOptions, authShape, hasOneAuthorization } from './auth.ts';
import { duration } from './duration.ts';
import { type TlsOptions, tlsSchema } from './tls.ts';

/** Name and password would be secrets in the configuration. */
function hasUserinfo(text: string): boolean {
  const { username, password } = new URL(text);
  return username !== '' || password !== '';
}

export const httpUrl = z
  .string()
  .refine(text => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), {
    error: 'expected a URL that starts with http:// or https://',
    abort: true,
  })
  .refine(text => !hasUserinfo(text), 'expected no credentials in the URL: see basic_auth and bearer_auth');

export interface NetworkOptions extends AuthOptions {
  readonly url: string;
  /** Milliseconds for one request, from the first try to connect to the end of the answer. */
  readonly timeout: number;
  readonly tls?: TlsOptions | undefined;
}

function isTlsUsed({ tls, url }: NetworkOptions): boolean {
  return tls === undefined || new URL(url).protocol === 'https:';
}

/** A strict object for one backend: what all share, and `shape`. */
export function networkOptions<const Type extends string, Shape extends z.core.$ZodLooseShape>(
  type: Type,
  shape: Shape,
  url: z.ZodType<string, string> = httpUrl,
) {
  const shared = {
    type: z.literal(type),
    name: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'expected up to 64 of A-Z, a-z, 0-9, "_", "." and "-"')
      .default(type)
      .describe('Name of this sink in messages and metrics.'),
    url: url.describe('Where the server is.'),
    timeout: duration.prefault('30s').describe('For one request, from connecting to the end of the answer.'),
    tls: tlsSchema.optional().describe('For https://.'),
    ...authShape,
  };
  return z
    .strictObject({ ...shared, ...shape })
    .refine(options => hasOneAuthorization(options as NetworkOptions), 'expected one of basic_auth and bearer_auth')
    .refine(options => isTlsUsed(options as NetworkOptions), 'tls needs a url that starts with https://');
}

/** The URL of an API below the URL of a server, which may have a path of its own. */
export function below(url: string, path: string): URL {
  const result = new URL(url);
  result.pathname = result.pathname.replace(/\/+$/, '') + path;
  return result;
}
