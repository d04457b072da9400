/** What an input format is made of. */
import type { Profile } from '../model/profile.ts';

/** How many bytes of an input {@link Reader.detect} gets to see, when there are as many. */
export const HEAD_BYTES = 2 ** 16;

/** An input format. */
export interface Reader {
  readonly name: string;
  readonly description: string;
  /** Whether the input is of this format, from its first bytes, uncompressed. */
  detect(head: Uint8Array): boolean;
  /** @throws DecodeError when it is damaged or beyond a limit; what the chunks throw is thrown on */
  read(chunks: AsyncIterable<Uint8Array>): Promise<Profile>;
}

/** The head as text; a character that is cut off at its end is replaced. */
export function headText(head: Uint8Array): string {
  return new TextDecoder().decode(head);
}
