/** Who we are to a backend: the part of the configuration that all of them share, as headers of a request. */

import { z } from 'zod';
import { filePath, hasOneSource, readHeaderSecret, readSecret, type SecretSource, variableName } from './secret.ts';

/** Those that the sinks and the protocol set themselves. */
const OWN_HEADERS = /^(host|connection|transfer-encoding|content-(length|type|encoding)|te|trailer|upgrade|expect)$/i;
/** Those that would put a secret into the configuration. */
const SECRET_HEADERS = /^(authorization|proxy-authorization|cookie|.*api-?key|.*token)$/i;

const headerName = z
  .string()
  // The names that gRPC's metadata can have too; `-bin` means bytes there.
  .regex(/^(?!.*-bin$)[A-Za-z0-9_.-]{1,100}$/, 'expected the name of a header')
  .refine(name => !OWN_HEADERS.test(name), 'this header cannot be set');

const staticHeader = headerName.refine(
  name => !SECRET_HEADERS.test(name),
  'expected under headers_from_env, basic_auth or bearer_auth: secrets are not written in the configuration',
);

/** Says of each header what is wrong with its name, as `z.record` would not. */
function named<Value extends z.ZodType>(name: z.ZodType, value: Value) {
  return z.record(z.string(), value).superRefine((headers, context) => {
    for (const header of Object.keys(headers)) {
      const message = name.safeParse(header).error?.issues[0]?.message;
      if (message !== undefined) context.addIssue({ code: 'custom', path: [header], message });
    }
  });
}

const headerValue = z.string().regex(/^[\x20-\x7e]{0,4096}$/, 'expected printable ASCII characters');

const ONE_PASSWORD = 'expected one of password_file and password_env';
const ONE_TOKEN = 'expected one of token_file and token_env';

/** For `z.strictObject` of every backend. */
export const authShape = {
  tenant: z
    .string()
    .regex(/^[\x21-\x7e]{1,150}$/, 'expected up to 150 printable ASCII characters')
    .optional()
    .describe('Value of the header X-Scope-OrgID, as multi-tenant Grafana backends take it.'),
  basic_auth: z
    .strictObject({
      username: z.string().regex(/^[^:]+$/, 'expected a name without a colon'),
      password_file: filePath.optional(),
      password_env: variableName.optional(),
    })
    .refine(({ password_file: file, password_env: env }) => hasOneSource({ file, env }), ONE_PASSWORD)
    .optional()
    .describe('Name, and the file or the environment variable that holds the password.'),
  bearer_auth: z
    .strictObject({ token_file: filePath.optional(), token_env: variableName.optional() })
    .refine(({ token_file: file, token_env: env }) => hasOneSource({ file, env }), ONE_TOKEN)
    .optional()
    .describe('The file or the environment variable that holds the token. It is read at each request.'),
  headers: named(staticHeader, headerValue).optional().describe('Headers of each request. No secrets.'),
  headers_from_env: named(headerName, variableName)
    .optional()
    .describe('Headers whose values are secrets: names of environment variables by names of headers.'),
};

export type AuthOptions = z.output<z.ZodObject<typeof authShape>>;

/** Whether at most one thing says what `Authorization` is. */
export function hasOneAuthorization({ basic_auth, bearer_auth, headers_from_env = {} }: AuthOptions): boolean {
  const named = Object.keys(headers_from_env).filter(name => name.toLowerCase() === 'authorization').length;
  return Number(basic_auth !== undefined) + Number(bearer_auth !== undefined) + named <= 1;
}

/** Headers of one request. `secrets`: what of them no message may show. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
}

/**
 * Reads the secrets anew.
 * @throws Error that names the file or the environment variable
 */
export async function readCredentials(options: AuthOptions): Promise<Credentials> {
  const headers: Record<string, string> = { ...options.headers };
  const secrets: string[] = [];
  const { tenant, basic_auth: basic, bearer_auth: bearer } = options;
  const read = async (source: SecretSource, reader = readHeaderSecret) => {
    const secret = await reader(source);
    secrets.push(secret);
    return secret;
  };
  if (tenant !== undefined) headers['X-Scope-OrgID'] = tenant;
  if (basic) {
    const password = await read({ file: basic.password_file, env: basic.password_env }, readSecret);
    const encoded = Buffer.from(`${basic.username}:${password}`).toString('base64');
    secrets.push(encoded);
    headers.Authorization = `Basic ${encoded}`;
  }
  if (bearer) headers.Authorization = `Bearer ${await read({ file: bearer.token_file, env: bearer.token_env })}`;
  for (const [name, env] of Object.entries(options.headers_from_env ?? {})) headers[name] = await read({ env });
  return { headers, secrets };
}
