/**
 * Reads the types of a compiled BPF object from its `.BTF` section.
 * Format: Documentation/bpf/btf.rst in the kernel's sources.
 */

/** A struct: byte offsets of its members, bit offsets of its bit-fields. Anonymous unions are flattened. */
export interface Struct {
  readonly size: number;
  readonly members: ReadonlyMap<string, number>;
  readonly bits: ReadonlyMap<string, number>;
}

export interface Types {
  readonly structs: ReadonlyMap<string, Struct>;
  readonly enums: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

interface Member {
  readonly name: string;
  readonly type: number;
  readonly bitOffset: number;
  readonly bitSize: number;
}

interface Type {
  readonly kind: number;
  readonly name: string;
  readonly size: number;
  readonly members: readonly Member[];
  readonly values: ReadonlyMap<string, number>;
}

const Kind = { struct: 4, union: 5, enum: 6, enum64: 19 } as const;

/** Kinds are 1 … 19; a type of another kind has an unknown length. */
const MAX_KIND = 19;

/** Bytes that follow a type's 12-byte header, by kind; the second figure is for each of its `vlen` entries. */
const TRAILERS: Readonly<Record<number, readonly [number, number]>> = {
  1: [4, 0], // int
  3: [12, 0], // array
  4: [0, 12], // struct
  5: [0, 12], // union
  6: [0, 8], // enum
  13: [0, 8], // func_proto
  14: [4, 0], // var
  15: [0, 12], // datasec
  17: [4, 0], // decl_tag
  19: [0, 12], // enum64
};

function readType(view: DataView, position: number, string: (offset: number) => string): [Type, number] {
  const info = view.getUint32(position + 4, true);
  const [kind, count] = [(info >>> 24) & 0x1f, info & 0xffff];
  if (kind === 0 || kind > MAX_KIND) throw new Error(`BTF type of unknown kind ${kind}`);
  const packed = info >>> 31 === 1; // kind_flag: the offset holds a bit-field's size in its top byte
  const [fixed, each] = TRAILERS[kind] ?? [0, 0];
  const members: Member[] = [];
  const values = new Map<string, number>();
  for (let i = 0; i < count && each > 0; i++) {
    const at = position + 12 + fixed + i * each;
    const name = string(view.getUint32(at, true));
    if (kind === Kind.struct || kind === Kind.union) {
      const offset = view.getUint32(at + 8, true);
      members.push({
        name,
        type: view.getUint32(at + 4, true),
        bitOffset: packed ? offset & 0xffffff : offset,
        bitSize: packed ? offset >>> 24 : 0,
      });
    } else if (kind === Kind.enum) {
      values.set(name, view.getInt32(at + 4, true));
    } else if (kind === Kind.enum64) {
      values.set(name, view.getUint32(at + 4, true) + view.getInt32(at + 8, true) * 2 ** 32);
    }
  }
  const name = string(view.getUint32(position, true));
  const next = position + 12 + fixed + count * each;
  return [{ kind, name, size: view.getUint32(position + 8, true), members, values }, next];
}

function flatten(
  types: readonly Type[],
  type: Type,
  base: number,
  members: Map<string, number>,
  bits: Map<string, number>,
) {
  for (const member of type.members) {
    const offset = base + member.bitOffset;
    const inner = types[member.type];
    if (member.name === '' && inner) flatten(types, inner, offset, members, bits);
    else if (member.bitSize > 0) bits.set(member.name, offset);
    else members.set(member.name, offset / 8);
  }
}

/** Structs and enums of a `.BTF` section. Throws when the bytes are no BTF. */
export function readBtf(section: Uint8Array): Types {
  const view = new DataView(section.buffer, section.byteOffset, section.byteLength);
  if (view.getUint16(0, true) !== 0xeb9f) throw new Error('not a .BTF section');
  const header = view.getUint32(4, true);
  const start = header + view.getUint32(8, true);
  const end = start + view.getUint32(12, true);
  const strings = section.subarray(header + view.getUint32(16, true));
  const string = (offset: number) => new TextDecoder().decode(strings.subarray(offset, strings.indexOf(0, offset)));

  const types: Type[] = [{ kind: 0, name: 'void', size: 0, members: [], values: new Map() }]; // type 0
  for (let position = start; position < end; ) {
    const [type, next] = readType(view, position, string);
    types.push(type);
    position = next;
  }

  const structs = new Map<string, Struct>();
  const enums = new Map<string, ReadonlyMap<string, number>>();
  for (const type of types) {
    if (type.kind === Kind.struct) {
      const members = new Map<string, number>();
      const bits = new Map<string, number>();
      flatten(types, type, 0, members, bits);
      structs.set(type.name, { size: type.size, members, bits });
    } else if (type.kind === Kind.enum || type.kind === Kind.enum64) {
      enums.set(type.name, type.values);
    }
  }
  return { structs, enums };
}
