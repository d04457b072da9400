/** Leaves out what is too little to matter, and keeps its place. */
import { Chains } from '../model/merge-stacks.ts';
import type { FunctionColumns, LineColumns, LocationColumns, Profile } from '../model/profile.ts';
import { Miss } from '../model/profile.ts';
import { callTree } from './call-tree.ts';
import { frameStacks, framesOf, oneFrameEach, symbolsOf } from './frames.ts';

function appended<T extends Uint32Array | Int32Array | Float64Array | Uint8Array>(column: T, value: number): T {
  const longer = new (column.constructor as new (length: number) => T)(column.length + 1);
  longer.set(column);
  longer[column.length] = value;
  return longer;
}

/** The tables with one location more, of code that has nothing but a name. */
function withName(
  { strings, functions }: Profile,
  { locations, lines }: { readonly locations: LocationColumns; readonly lines: LineColumns },
  name: string,
): Pick<Profile, 'strings' | 'functions' | 'locations' | 'lines'> {
  const more: FunctionColumns = {
    length: functions.length + 1,
    name: appended(functions.name.subarray(0, functions.length), strings.length),
    systemName: appended(functions.systemName.subarray(0, functions.length), strings.length),
    filename: appended(functions.filename.subarray(0, functions.length), 0),
  };
  return {
    strings: [...strings, name],
    functions: more,
    lines: {
      length: lines.length + 1,
      function: appended(lines.function, functions.length),
      line: appended(lines.line, 0),
    },
    locations: {
      length: locations.length + 1,
      mapping: appended(locations.mapping, -1),
      address: appended(locations.address, 0),
      kind: appended(locations.kind, 0),
      miss: appended(locations.miss, Miss.none),
      firstLine: appended(locations.firstLine, lines.length + 1),
    },
  };
}

/**
 * Frames whose samples are less than `percent` of all become one frame `(under N %)` on their caller, with all that they
 * called. Frames of all threads count together, and those with one name on one caller. Inlined calls become locations of
 * their own. By the last sample type; a negative value counts as much as a positive one.
 */
export function minPercent(profile: Profile, percent: number): Profile {
  const frames = framesOf(profile);
  const stacks = frameStacks(profile, frames);
  const value = profile.samples.values.at(-1)!.map(Math.abs);
  const { nodeOf, total, grandTotal } = callTree(profile, stacks, symbolsOf(profile, frames), value);
  const least = (grandTotal * percent) / 100;
  const rest = frames.length;
  const chains = new Chains();
  const to = new Int32Array(stacks.length);
  for (let s = 0; s < stacks.length; s++) {
    const caller = to[stacks.prefix[s]!] ?? -1;
    if (chains.item[caller] === rest) to[s] = caller;
    else to[s] = chains.push(caller, total[nodeOf[s]!]! >= least ? stacks.frame[s]! : rest);
  }
  const { length } = chains;
  const { samples } = profile;
  return {
    ...profile,
    ...withName(profile, oneFrameEach(profile, frames), `(under ${percent} %)`),
    stacks: { length, prefix: chains.prefix.slice(0, length), location: chains.item.slice(0, length) },
    samples: { ...samples, stack: samples.stack.map(stack => to[stacks.leaf[stack]!] ?? -1) },
  };
}
