/** Decoded pprof as text, whoever decoded it. */

import { join } from 'node:path';
import { Profile as PprofFormat } from 'pprof-format';
import protobuf from 'protobufjs';

type Integer = number | bigint | string;

/** What pprof-format decodes to; protobufjs's objects are brought into this shape. */
interface Raw {
  readonly sampleType: readonly { readonly type: Integer; readonly unit: Integer }[];
  readonly sample: readonly {
    readonly locationId: readonly Integer[];
    readonly value: readonly Integer[];
    readonly label: readonly { readonly key: Integer; readonly str: Integer; readonly num: Integer }[];
  }[];
  readonly mapping: readonly {
    readonly id: Integer;
    readonly memoryStart: Integer;
    readonly memoryLimit: Integer;
    readonly fileOffset: Integer;
    readonly filename: Integer;
    readonly buildId: Integer;
    readonly hasFunctions: boolean;
    readonly hasFilenames: boolean;
    readonly hasLineNumbers: boolean;
    readonly hasInlineFrames: boolean;
  }[];
  readonly location: readonly {
    readonly id: Integer;
    readonly mappingId: Integer;
    readonly address: Integer;
    readonly line: readonly { readonly functionId: Integer; readonly line: Integer }[];
  }[];
  readonly function: readonly {
    readonly id: Integer;
    readonly name: Integer;
    readonly systemName: Integer;
    readonly filename: Integer;
  }[];
  readonly strings: readonly string[];
  readonly timeNanos: Integer;
  readonly durationNanos: Integer;
  readonly periodType: { readonly type: Integer; readonly unit: Integer };
  readonly period: Integer;
  readonly comment: readonly Integer[];
  readonly defaultSampleType: Integer;
}

const schema = protobuf.loadSync(join(import.meta.dirname, 'profile.proto')).lookupType('Profile');

export function decodeWithProtobufjs(bytes: Uint8Array): Raw {
  const options = { longs: String, defaults: true };
  const { stringTable, ...raw } = schema.toObject(schema.decode(bytes), options) as Raw & { stringTable: string[] };
  return { ...raw, strings: stringTable };
}

export function decodeWithPprofFormat(bytes: Uint8Array): Raw {
  const { stringTable, ...raw } = PprofFormat.decode(bytes);
  return { ...raw, strings: stringTable.strings } as unknown as Raw;
}

/** Everything in the message, in the order of the message; references to strings resolved, sizes in hex. */
export function rawText(raw: Raw): string {
  const string = (index: Integer) => JSON.stringify(raw.strings[Number(index)]);
  const hex = (value: Integer) => BigInt.asUintN(64, BigInt(value)).toString(16);
  const type = (of: { type: Integer; unit: Integer }) => `${string(of.type)}/${string(of.unit)}`;
  const lines = [
    `sample types: ${raw.sampleType.map(type).join(' ')}; default ${string(raw.defaultSampleType)}`,
    `period: ${raw.period} of ${type(raw.periodType)}`,
    `time: ${raw.timeNanos} for ${raw.durationNanos}`,
    ...raw.comment.map(comment => `comment: ${string(comment)}`),
  ];
  for (const { locationId, value, label } of raw.sample) {
    const labels = label.map(l => `${string(l.key)}=${Number(l.str) ? string(l.str) : l.num}`);
    lines.push(`sample: ${value.join(' ')} at ${locationId.join(' ')} (${labels.join(' ')})`);
  }
  for (const m of raw.mapping) {
    const range = `${hex(m.memoryStart)}-${hex(m.memoryLimit)} from ${hex(m.fileOffset)}`;
    const has = [m.hasFunctions, m.hasFilenames, m.hasLineNumbers, m.hasInlineFrames].map(Number).join('');
    lines.push(`mapping ${m.id}: ${range} of ${string(m.filename)} build ${string(m.buildId)} has ${has}`);
  }
  for (const { id, mappingId, address, line } of raw.location) {
    const calls = line.map(l => `${l.functionId}:${l.line}`);
    lines.push(`location ${id}: ${hex(address)} in mapping ${mappingId}, functions ${calls.join(' ') || '-'}`);
  }
  for (const { id, name, systemName, filename } of raw.function) {
    lines.push(`function ${id}: ${string(name)} ${string(systemName)} in ${string(filename)}`);
  }
  return `${lines.join('\n')}\n`;
}
