/** Secrets: a configuration names the file or the environment variable that holds one, never the secret itself. */

import { open } from 'node:fs/promises';
import { z } from 'zod';
import { systemCode } from '../errors.ts';

const MAX_BYTES = 16 * 1024;

export const filePath = z.string().min(1, 'expected the path of a file');
export const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of an environment variable');

/** Where a secret is: one of the two is set. */
export interface SecretSource {
  readonly file?: string | undefined;
  readonly env?: string | undefined;
}

/** For `refine`: whether exactly one of the two is set. */
export function hasOneSource({ file, env }: SecretSource): boolean {
  return (file === undefined) !== (env === undefined);
}

async function readStart(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(MAX_BYTES + 1), 0, MAX_BYTES + 1, 0);
    if (bytesRead > MAX_BYTES) throw new Error(`holds more than ${MAX_BYTES} bytes`);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

/**
 * Reads a secret anew, so that a file that was rotated counts from the next request on. White space around it is not
 * part of it.
 * @throws Error that names the file or the variable
 */
export async function readSecret(source: SecretSource): Promise<string> {
  const { file, env = '' } = source;
  const where = file === undefined ? `the environment variable ${env}` : `the file "${file}"`;
  let text: string;
  try {
    text = (file === undefined ? (process.env[env] ?? '') : await readStart(file)).trim();
  } catch (error) {
    throw new Error(`cannot read the secret in ${where}: ${systemCode(error) || (error as Error).message}`);
  }
  if (text === '') throw new Error(`there is no secret in ${where}`);
  return text;
}

/**
 * {@link readSecret} for the value of a header.
 * @throws Error also when it holds what no header can
 */
export async function readHeaderSecret(source: SecretSource): Promise<string> {
  const text = await readSecret(source);
  if (/^[\x20-\x7e]+$/.test(text)) return text;
  throw new Error(`the secret in ${source.file ?? source.env} holds characters that no header can`);
}
