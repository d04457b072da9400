/** The bytes are no profile that can be read; the message is one sentence without a file name. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}
