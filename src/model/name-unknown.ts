/** Names for what has none. */
import { Miss, type Profile, unknownName } from './profile.ts';

/**
 * The profile with a function `[unknown: libfoo.so+0x1234]` at each location that has no name. Some backends leave out
 * frames without a function, and Pyroscope every sample with one: there they have to have a name to be counted.
 */
export function nameUnknown(profile: Profile): Profile {
  const { locations, lines, functions } = profile;
  const strings = [...profile.strings];
  const index = new Map<string, number>();
  const newFunctions: number[] = [];
  const firstLine = new Uint32Array(locations.length + 1);
  const lineFunction: number[] = [];
  const lineNumber: number[] = [];
  for (let location = 0; location < locations.length; location++) {
    for (let line = locations.firstLine[location]!; line < locations.firstLine[location + 1]!; line++) {
      lineFunction.push(lines.function[line]!);
      lineNumber.push(lines.line[line]!);
    }
    if (locations.miss[location] !== Miss.none) {
      const name = unknownName(profile, location);
      let known = index.get(name);
      if (known === undefined) {
        known = functions.length + newFunctions.push(strings.push(name) - 1) - 1;
        index.set(name, known);
      }
      lineFunction.push(known);
      lineNumber.push(0);
    }
    firstLine[location + 1] = lineFunction.length;
  }
  const appended = (column: Uint32Array, values: readonly number[]) => {
    const both = new Uint32Array(column.length + values.length);
    both.set(column);
    both.set(values, column.length);
    return both;
  };
  return {
    ...profile,
    strings,
    mappings: profile.mappings.map(mapping => ({ ...mapping, hasFunctions: true })),
    functions: {
      length: functions.length + newFunctions.length,
      name: appended(functions.name, newFunctions),
      systemName: appended(functions.systemName, newFunctions),
      filename: appended(
        functions.filename,
        newFunctions.map(() => 0),
      ),
    },
    locations: { ...locations, firstLine },
    lines: {
      length: lineFunction.length,
      function: Uint32Array.from(lineFunction),
      line: Uint32Array.from(lineNumber),
    },
  };
}
