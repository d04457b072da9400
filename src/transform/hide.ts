/** Takes frames out of stacks: what they called hangs on their callers. */
import { Chains } from '../model/merge-stacks.ts';
import { FrameKind, type LineColumns, type LocationColumns, Miss, type Profile } from '../model/profile.ts';
import { type FramePattern, lineTest } from './pattern.ts';
import { keepRows } from './rows.ts';

/** The locations without the hidden frames, and for each whether something of it remains. */
interface Remaining {
  readonly locations: LocationColumns;
  readonly lines: LineColumns;
  readonly remains: Uint8Array;
}

function hideLines(profile: Profile, pattern: FramePattern): Remaining {
  const { locations, lines } = profile;
  const { length, miss } = locations;
  const test = lineTest(profile, pattern);
  const kept = new Uint32Array(lines.length);
  const firstLine = new Uint32Array(length + 1);
  const kind = locations.kind.slice(0, length);
  const remains = new Uint8Array(length);
  let count = 0;
  for (let i = 0; i < length; i++) {
    const [first, end] = [locations.firstLine[i]!, locations.firstLine[i + 1]!];
    const before = count;
    for (let line = first; line < end; line++) if (!test(i, line)) kept[count++] = line;
    firstLine[i + 1] = count;
    const unnamed = miss[i] !== Miss.none || first === end;
    remains[i] = Number(unnamed ? !test(i, -1) : count > before);
    if (count > before && kept[count - 1] !== end - 1) kind[i] = FrameKind.inlined;
  }
  const rest = kept.subarray(0, count);
  return {
    locations: { ...locations, kind, firstLine },
    lines: {
      length: count,
      function: rest.map(line => lines.function[line]!),
      line: rest.map(line => lines.line[line]!),
    },
    remains,
  };
}

/** Samples whose frames are all hidden stay, without frames. */
export function hide(profile: Profile, pattern: FramePattern): Profile {
  const { prefix, location, length } = profile.stacks;
  const { locations, lines, remains } = hideLines(profile, pattern);
  const chains = new Chains();
  const to = new Int32Array(length);
  for (let s = 0; s < length; s++) {
    const caller = to[prefix[s]!] ?? -1;
    to[s] = remains[location[s]!] ? chains.push(caller, location[s]!) : caller;
  }
  const { samples } = profile;
  const hidden: Profile = {
    ...profile,
    locations,
    lines,
    stacks: { length: chains.length, prefix: chains.prefix, location: chains.item },
    samples: { ...samples, stack: samples.stack.map(stack => to[stack] ?? -1) },
  };
  return keepRows(
    hidden,
    Uint32Array.from({ length: samples.length }, (_, i) => i),
  );
}
