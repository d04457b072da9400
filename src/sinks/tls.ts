/** TLS of a connection to a backend. */

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { z } from 'zod';
import { ExitCode, ProfilerError, systemCode } from '../errors.ts';
import { filePath } from './secret.ts';

export const tlsSchema = z
  .strictObject({
    ca_file: filePath.optional().describe("PEM: the authorities that are trusted, in place of Node.js' own."),
    cert_file: filePath.optional().describe('PEM: what the agent identifies itself with.'),
    key_file: filePath.optional().describe('PEM: the key of cert_file.'),
    insecure_skip_verify: z.boolean().optional().describe('Takes any certificate: anyone on the way can read along.'),
  })
  .refine(tls => (tls.cert_file === undefined) === (tls.key_file === undefined), 'expected cert_file with key_file');

export type TlsOptions = z.output<typeof tlsSchema>;

/** In PEM. */
export interface TlsFiles {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly rejectUnauthorized: boolean;
}

function readPem(option: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new ProfilerError('sink-tls', `cannot read ${option} "${path}": ${systemCode(cause)}.`, {
      hint: 'Correct the path in the configuration, or the rights of the file.',
      exitCode: ExitCode.usage,
      cause,
    });
  }
}

/**
 * Reads the files, once: a certificate that is renewed counts after a restart.
 * @throws ProfilerError when one cannot be read or is not what it should be
 */
export function readTls({ ca_file, cert_file, key_file, insecure_skip_verify }: TlsOptions = {}): TlsFiles {
  const files: TlsFiles = {
    rejectUnauthorized: insecure_skip_verify !== true,
    ...(ca_file !== undefined && { ca: readPem('ca_file', ca_file) }),
    ...(cert_file !== undefined && { cert: readPem('cert_file', cert_file) }),
    ...(key_file !== undefined && { key: readPem('key_file', key_file) }),
  };
  try {
    // createSecureContext takes no notice of authorities that it cannot read.
    if (files.ca) new X509Certificate(files.ca);
    createSecureContext(files);
  } catch (cause) {
    const named = [ca_file, cert_file, key_file].filter(path => path !== undefined).join(', ');
    throw new ProfilerError('sink-tls', `no certificates or keys that fit together in ${named}.`, {
      hint: 'PEM is expected: "openssl x509 -in FILE -noout -text" shows a certificate.',
      exitCode: ExitCode.usage,
      cause,
    });
  }
  return files;
}
