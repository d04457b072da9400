/**
 * A pprof as OTLP profiles, the form with one dictionary of tables for a whole message: opentelemetry-proto v1.10 and
 * v1.11 (Go modules `…/profiles/v1development` v0.3 and v0.4), which number the fields of all messages alike and which
 * Pyroscope 2.0 and Parca 0.28 read. v1.9 and before cannot read it: the fields of `Sample` have moved since.
 *
 * Field numbers: opentelemetry/proto/profiles/v1development/profiles.proto in
 * https://github.com/open-telemetry/opentelemetry-proto
 */

import { Profile, type ValueType } from 'pprof-format';
import { bytesField, encode, messageField, textField, type Writer } from './protobuf.ts';

type Numeric = number | bigint;

/** Field numbers of ProfilesDictionary. */
const Field = { mapping: 1, location: 2, function: 3, link: 4, string: 5, attribute: 6, stack: 7 } as const;
const FIXED64 = 1;

/** Rows by what they hold, each once. Index 0 is kept for the empty row, which is not among them. */
class Table<T> {
  readonly rows: T[] = [];
  readonly #index = new Map<string, number>();

  indexOf(key: string, row: T): number {
    let index = this.#index.get(key);
    if (index === undefined) {
      index = this.rows.push(row);
      this.#index.set(key, index);
    }
    return index;
  }
}

interface Attribute {
  readonly key: number;
  readonly value: string | Numeric;
}

/** 64 bits as protobufjs takes them. */
function bits(value: Numeric): number | string {
  return typeof value === 'bigint' ? BigInt.asIntN(64, value).toString() : value;
}

/** A varint; the default, 0, is left out. */
function int(writer: Writer, field: number, value: Numeric): void {
  if (Number(value) !== 0) writer.uint32(field << 3).int64(bits(value) as number);
}

function indices(writer: Writer, field: number, values: readonly number[]): void {
  if (values.length === 0) return;
  messageField(writer, field, list => {
    for (const value of values) list.uint32(value);
  });
}

function valueType(writer: Writer, field: number, { type, unit }: ValueType): void {
  messageField(writer, field, message => {
    int(message, 1, type);
    int(message, 2, unit);
  });
}

/** AnyValue{string_value = 1, int_value = 3}. */
function anyValue(writer: Writer, field: number, value: Attribute['value']): void {
  messageField(writer, field, message => {
    if (typeof value === 'string') textField(message, 1, value);
    else message.uint32(3 << 3).int64(bits(value) as number);
  });
}

/** Tables with ids as tables with indices. */
class Converter {
  readonly #pprof: Profile;
  readonly #strings: string[];
  readonly #stacks = new Table<readonly number[]>();
  readonly #attributes = new Table<Attribute>();
  readonly #mappings: ReadonlyMap<number, number>;
  readonly #locations: ReadonlyMap<number, number>;
  readonly #functions: ReadonlyMap<number, number>;
  readonly #buildIdKey: number;

  constructor(pprof: Profile) {
    const indicesOf = (rows: readonly { id: Numeric }[]) => new Map(rows.map(({ id }, i) => [Number(id), i + 1]));
    this.#pprof = pprof;
    this.#strings = [...pprof.stringTable.strings];
    this.#buildIdKey = this.#strings.push('process.executable.build_id.gnu') - 1;
    this.#mappings = indicesOf(pprof.mapping);
    this.#locations = indicesOf(pprof.location);
    this.#functions = indicesOf(pprof.function);
  }

  #text(index: Numeric): string {
    return this.#strings[Number(index)] ?? '';
  }

  #attribute(key: number, value: Attribute['value']): number {
    return this.#attributes.indexOf(`${key} ${typeof value} ${value}`, { key, value });
  }

  /** The profile of one sample type; samples without a value of it are left out. */
  profile(writer: Writer, field: number, type: number, id: Uint8Array): void {
    const { sample: samples, sampleType, timeNanos, durationNanos, periodType, period } = this.#pprof;
    messageField(writer, field, message => {
      valueType(message, 1, sampleType[type]!);
      for (const { locationId, label, value } of samples) {
        const ofType = value[type] ?? 0;
        if (Number(ofType) === 0) continue;
        const stack = locationId.map(location => this.#locations.get(Number(location)) ?? 0);
        const attributes = label.map(({ key, str, num }) =>
          this.#attribute(Number(key), Number(str) === 0 ? num : this.#text(str)),
        );
        messageField(message, 2, sample => {
          int(sample, 1, stack.length === 0 ? 0 : this.#stacks.indexOf(stack.join(), stack));
          indices(sample, 2, attributes);
          messageField(sample, 4, list => list.int64(bits(ofType) as number));
        });
      }
      message.uint32((3 << 3) | FIXED64).fixed64(bits(timeNanos) as number);
      int(message, 4, durationNanos);
      if (periodType) valueType(message, 5, periodType);
      int(message, 6, period);
      if (id.length === 16) bytesField(message, 7, id);
    });
  }

  /** The tables, after all profiles: those make them grow. */
  dictionary(writer: Writer, field: number): void {
    messageField(writer, field, message => {
      this.#code(message);
      // Zeros in full length, as some readers expect those.
      messageField(message, Field.link, link => {
        bytesField(link, 1, new Uint8Array(16));
        bytesField(link, 2, new Uint8Array(8));
      });
      for (const text of this.#strings) textField(message, Field.string, text);
      messageField(message, Field.attribute, () => {});
      for (const { key, value } of this.#attributes.rows) {
        messageField(message, Field.attribute, attribute => {
          int(attribute, 1, key);
          anyValue(attribute, 2, value);
        });
      }
      messageField(message, Field.stack, () => {});
      for (const stack of this.#stacks.rows) messageField(message, Field.stack, row => indices(row, 1, stack));
    });
  }

  #code(writer: Writer): void {
    messageField(writer, Field.mapping, () => {});
    for (const { memoryStart, memoryLimit, fileOffset, filename, buildId } of this.#pprof.mapping) {
      messageField(writer, Field.mapping, row => {
        int(row, 1, memoryStart);
        int(row, 2, memoryLimit);
        int(row, 3, fileOffset);
        int(row, 4, filename);
        if (Number(buildId) !== 0) indices(row, 5, [this.#attribute(this.#buildIdKey, this.#text(buildId))]);
      });
    }
    messageField(writer, Field.location, () => {});
    for (const { mappingId, address, line: lines } of this.#pprof.location) {
      messageField(writer, Field.location, row => {
        int(row, 1, this.#mappings.get(Number(mappingId)) ?? 0);
        int(row, 2, address);
        for (const { functionId, line } of lines) {
          messageField(row, 3, message => {
            int(message, 1, this.#functions.get(Number(functionId)) ?? 0);
            int(message, 2, line);
          });
        }
      });
    }
    messageField(writer, Field.function, () => {});
    for (const { name, systemName, filename } of this.#pprof.function) {
      messageField(writer, Field.function, row => {
        int(row, 1, name);
        int(row, 2, systemName);
        int(row, 3, filename);
      });
    }
  }
}

export interface Resource {
  readonly attributes: Readonly<Record<string, string>>;
  /** Name and version of the instrumentation scope. */
  readonly scope: { readonly name: string; readonly version: string };
}

/**
 * ExportProfilesServiceRequest{resource_profiles = 1, dictionary = 2} with one profile for each sample type: OTLP's have
 * one. `id`: 16 bytes; the profile of type i has it with i added to its last byte, as ids are unique.
 * @throws Error when the bytes are no pprof
 */
export function encodeOtlp(bytes: Uint8Array, id: Uint8Array, { attributes, scope }: Resource): Uint8Array {
  const pprof = Profile.decode(bytes);
  const converter = new Converter(pprof);
  return encode(request => {
    messageField(request, 1, resourceProfiles => {
      messageField(resourceProfiles, 1, resource => {
        for (const [key, value] of Object.entries(attributes)) {
          messageField(resource, 1, attribute => {
            textField(attribute, 1, key);
            anyValue(attribute, 2, value);
          });
        }
      });
      messageField(resourceProfiles, 2, scopeProfiles => {
        messageField(scopeProfiles, 1, message => {
          textField(message, 1, scope.name);
          textField(message, 2, scope.version);
        });
        for (let type = 0; type < pprof.sampleType.length; type++) {
          const own = Uint8Array.from(id, (byte, i) => byte + (i === 15 ? type : 0));
          converter.profile(scopeProfiles, 2, type, own);
        }
      });
    });
    converter.dictionary(request, 2);
  });
}
