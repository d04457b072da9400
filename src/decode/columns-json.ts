/** The profile as JSON, as encode/json.ts writes it: the columns of model/profile.ts. Every index is checked. */
import { FrameKind, type Label, Miss, type Profile, type ProfileMapping, type ValueType } from '../model/profile.ts';
import { DecodeError } from './error.ts';
import type { Chunks } from './input.ts';
import { beginsJson, isObject, type JsonObject, listOf, numberOf, objectOf, readJson, textOf } from './json.ts';
import { headText, type Reader } from './reader.ts';

const VERSION = 1;
const MAX_UINT32 = 2 ** 32;

/** A table, whose columns are as long as it says. */
class Table {
  readonly length: number;
  readonly #name: string;
  readonly #json: JsonObject;

  constructor(json: JsonObject, name: string) {
    this.#name = name;
    this.#json = objectOf(json[name]);
    this.length = numberOf(this.#json.length, -1);
  }

  /** @param least and @param below bounds of its integers */
  integers(name: string, least: number, below: number, length = this.length): number[] {
    const isGood = (value: number) => Number.isInteger(value) && value >= least && value < below;
    return this.#checked(name, this.#json[name], length, isGood);
  }

  numbers(name: string): Float64Array {
    return Float64Array.from(this.#checked(name, this.#json[name], this.length, Number.isFinite));
  }

  /** Several columns of numbers. */
  lists(name: string): Float64Array[] {
    const lists = listOf(this.#json[name]);
    return lists.map(list => Float64Array.from(this.#checked(name, list, this.length, Number.isFinite)));
  }

  #checked(name: string, values: unknown, length: number, isGood: (value: number) => boolean): number[] {
    if (!Array.isArray(values) || values.length !== length || !values.every(isGood)) {
      throw new DecodeError(`its column ${this.#name}.${name} is damaged.`);
    }
    return values;
  }
}

/** Numbers of this version for those of the file, by name; of a name that is not known, 0. */
function translation(names: unknown, of: Readonly<Record<string, number>>): Uint8Array {
  const known = new Map(Object.entries(of));
  return Uint8Array.from(listOf(names), name => known.get(textOf(name)) ?? 0);
}

function valueType(json: unknown): ValueType {
  const { type, unit } = objectOf(json);
  return { type: textOf(type), unit: textOf(unit) };
}

function mappingOf(json: unknown): ProfileMapping {
  const mapping = objectOf(json);
  return {
    start: numberOf(mapping.start),
    limit: numberOf(mapping.limit),
    fileOffset: numberOf(mapping.fileOffset),
    filename: textOf(mapping.filename),
    buildId: textOf(mapping.buildId),
    hasFunctions: mapping.hasFunctions === true,
    hasFilenames: mapping.hasFilenames === true,
    hasLineNumbers: mapping.hasLineNumbers === true,
    hasInlineFrames: mapping.hasInlineFrames === true,
  };
}

function labelOf(json: unknown): Label {
  const { key, value } = objectOf(json);
  return { key: textOf(key), value: typeof value === 'number' ? numberOf(value) : textOf(value) };
}

function countsOf(json: unknown): Record<string, number> {
  return Object.fromEntries(Object.entries(objectOf(json)).map(([name, count]) => [name, numberOf(count)]));
}

function locationsOf(json: JsonObject, mappings: number, lines: number): Profile['locations'] {
  const table = new Table(json, 'locations');
  const { length } = table;
  const [kinds, misses] = [translation(json.kinds, FrameKind), translation(json.misses, Miss)];
  const firstLine = Uint32Array.from(table.integers('firstLine', 0, lines + 1, length + 1));
  if (firstLine[length] !== lines || firstLine.some((first, i) => i > 0 && first < firstLine[i - 1]!)) {
    throw new DecodeError('its column locations.firstLine is damaged.');
  }
  return {
    length,
    mapping: Int32Array.from(table.integers('mapping', -1, mappings)),
    address: table.numbers('address'),
    kind: Uint8Array.from(table.integers('kind', 0, kinds.length), kind => kinds[kind]!),
    miss: Uint8Array.from(table.integers('miss', 0, misses.length), miss => misses[miss]!),
    firstLine,
  };
}

function stacksOf(json: JsonObject, locations: number): Profile['stacks'] {
  const table = new Table(json, 'stacks');
  const prefix = Int32Array.from(table.integers('prefix', -1, table.length));
  if (prefix.some((caller, i) => caller >= i)) throw new DecodeError('its column stacks.prefix is damaged.');
  return { length: table.length, prefix, location: Uint32Array.from(table.integers('location', 0, locations)) };
}

function timelineOf(json: JsonObject, samples: number): Profile['timeline'] {
  if (!isObject(json.timeline)) return undefined;
  const table = new Table(json, 'timeline');
  const time = table.numbers('time');
  if (time.some((t, i) => t < (time[i - 1] ?? 0))) throw new DecodeError('its column timeline.time is damaged.');
  return { length: table.length, sample: Uint32Array.from(table.integers('sample', 0, samples)), time };
}

function clockOf({ clock }: JsonObject): Profile['clock'] {
  return isObject(clock) ? { name: textOf(clock.name), startMs: numberOf(clock.startMs) } : undefined;
}

function functionsOf(json: JsonObject, strings: number): Profile['functions'] {
  const table = new Table(json, 'functions');
  const text = (name: string) => Uint32Array.from(table.integers(name, 0, strings));
  return { length: table.length, name: text('name'), systemName: text('systemName'), filename: text('filename') };
}

function linesOf(json: JsonObject, functions: number): Profile['lines'] {
  const table = new Table(json, 'lines');
  return {
    length: table.length,
    function: Uint32Array.from(table.integers('function', 0, functions)),
    line: Uint32Array.from(table.integers('line', 0, MAX_UINT32)),
  };
}

function samplesOf(json: JsonObject, stacks: number, labelSets: number): Profile['samples'] {
  const table = new Table(json, 'samples');
  return {
    length: table.length,
    stack: Int32Array.from(table.integers('stack', -1, stacks)),
    labels: Uint32Array.from(table.integers('labels', 0, labelSets)),
    values: table.lists('values'),
  };
}

function profileOf(json: JsonObject): Profile {
  if (json.version !== VERSION) throw new DecodeError(`it is of version ${String(json.version)}, and not ${VERSION}.`);
  const strings = listOf(json.strings).map(textOf);
  const mappings = listOf(json.mappings).map(mappingOf);
  const labelSets = listOf(json.labelSets).map(set => listOf(set).map(labelOf));
  const sampleTypes = listOf(json.sampleTypes).map(valueType);
  const functions = functionsOf(json, strings.length);
  const lines = linesOf(json, functions.length);
  const locations = locationsOf(json, mappings.length, lines.length);
  const stacks = stacksOf(json, locations.length);
  const samples = samplesOf(json, stacks.length, labelSets.length);
  if (sampleTypes.length === 0 || samples.values.length !== sampleTypes.length || strings[0] !== '') {
    throw new DecodeError('it lacks sample types, values or strings.');
  }
  return {
    ...{ strings, mappings, functions, locations, lines, stacks, samples, labelSets, sampleTypes },
    timeline: timelineOf(json, samples.length),
    periodType: valueType(json.periodType),
    period: numberOf(json.period),
    startTimeMs: numberOf(json.startTimeMs),
    clock: clockOf(json),
    durationMs: numberOf(json.durationMs),
    losses: countsOf(json.losses),
    unwinding: countsOf(json.unwinding),
    comments: listOf(json.comments).map(textOf),
  };
}

function detect(head: Uint8Array): boolean {
  const text = headText(head);
  return beginsJson(text) && /^\ufeff?\s*\{\s*"format"\s*:\s*"ebpf-profiler"/.test(text);
}

async function read(chunks: Chunks): Promise<Profile> {
  return profileOf(objectOf(await readJson(chunks)));
}

export const columnsJson: Reader = {
  name: 'JSON of this profiler',
  description: 'JSON of this profiler',
  detect,
  read,
};
