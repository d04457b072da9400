/** What protobufjs' Writer leaves to its callers: tags, strings and nested messages. */

import protobuf from 'protobufjs/minimal.js';

export type Writer = protobuf.Writer;
export type Reader = protobuf.Reader;

/** https://protobuf.dev/programming-guides/encoding/ */
export const WIRE_VARINT = 0;
export const WIRE_BYTES = 2;

/** A length-delimited field. */
export function bytesField(writer: Writer, field: number, bytes: Uint8Array): void {
  writer.uint32((field << 3) | WIRE_BYTES).bytes(bytes);
}

/** A string; what UTF-16 cannot say becomes U+FFFD, as receivers refuse other than valid UTF-8. */
export function textField(writer: Writer, field: number, text: string): void {
  bytesField(writer, field, Buffer.from(text));
}

/** A nested message, which `fill` writes. */
export function messageField(writer: Writer, field: number, fill: (writer: Writer) => void): void {
  writer.uint32((field << 3) | WIRE_BYTES).fork();
  fill(writer);
  writer.ldelim();
}

/** `{ string name = 1; string value = 2; }`, which every backend has for labels. */
export function labelField(writer: Writer, field: number, name: string, value: string): void {
  messageField(writer, field, label => {
    textField(label, 1, name);
    textField(label, 2, value);
  });
}

/** The bytes of a message. */
export function encode(fill: (writer: Writer) => void): Uint8Array {
  const writer = protobuf.Writer.create();
  fill(writer);
  return writer.finish();
}

/**
 * Calls `visit` for each field of a message; one that does not read its value has it skipped.
 * @throws Error when the message is cut off or malformed
 */
export function eachField(bytes: Uint8Array, visit: (field: number, reader: Reader, wireType: number) => void): void {
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const start = reader.pos;
    visit(tag >>> 3, reader, tag & 7);
    if (reader.pos === start) reader.skipType(tag & 7);
  }
}
