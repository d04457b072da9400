/** Errors of Connect (https://connectrpc.com/docs/protocol#error-codes). */

const REJECTED = ['invalid_argument', 'out_of_range', 'failed_precondition'];
const OTHERS = [
  ...['canceled', 'unknown', 'deadline_exceeded', 'not_found', 'already_exists', 'permission_denied'],
  ...['resource_exhausted', 'aborted', 'unimplemented', 'internal', 'unavailable', 'data_loss', 'unauthenticated'],
];
const CODES: ReadonlySet<string> = new Set([...REJECTED, ...OTHERS]);
const CODE_IN_TEXT = new RegExp(`\\b(${[...CODES].join('|')}): `);

/** What a code says of the profiles that were sent. */
export function codeVerdict(code: string): 'retry' | 'rejected' {
  return REJECTED.includes(code) ? 'rejected' : 'retry';
}

/** The code of an error in JSON; undefined for the answer of something else on the way. */
export function connectCode(body: Buffer): string | undefined {
  try {
    const { code } = JSON.parse(body.toString()) as { code?: unknown };
    return typeof code === 'string' && CODES.has(code) ? code : undefined;
  } catch {
    return undefined;
  }
}

/** The first code in a message: what follows it may quote labels. */
export function codeInText(message: string): string | undefined {
  return CODE_IN_TEXT.exec(message)?.[1];
}
