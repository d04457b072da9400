/** What frames are chosen by: a regular expression for the name of the function, its source file or its module. */
import { compileRegex, matchesRegex } from '../identity/regex.ts';
import { Miss, type Profile, unknownName } from '../model/profile.ts';

export interface FramePattern {
  readonly subject: 'function' | 'file' | 'module';
  readonly regex: RegExp;
}

/**
 * `main`, `^main$`, `file:\.go$`, `module:libc`: found anywhere in the text. The syntax is what RE2 and JavaScript have in
 * common; a pattern that backtracks for long is matched in linear time (see identity/regex.ts).
 * @throws SyntaxError with half a sentence
 */
export function parsePattern(text: string): FramePattern {
  const [, subject = 'function', pattern = ''] = /^(?:(file|module):)?(.*)$/s.exec(text) ?? [];
  compileRegex(pattern); // by itself first: what closes a group that it did not open is no pattern
  return { subject: subject as FramePattern['subject'], regex: compileRegex(`.*(?:${pattern}).*`) };
}

/** Remembers the answer for each of `length` texts. */
function remembered(length: number, test: (index: number) => boolean): (index: number) => boolean {
  const answers = new Uint8Array(length);
  return index => {
    if (answers[index] === 0) answers[index] = test(index) ? 2 : 1;
    return answers[index] === 2;
  };
}

/** Tells of a location and one of its lines (−1: it has no name) whether the pattern matches. */
export type LineTest = (location: number, line: number) => boolean;

export function lineTest(profile: Profile, { subject, regex }: FramePattern): LineTest {
  const { strings, mappings, functions, locations, lines } = profile;
  if (subject === 'module') {
    const test = remembered(mappings.length, index => matchesRegex(regex, mappings[index]!.filename));
    return location => locations.mapping[location]! >= 0 && test(locations.mapping[location]!);
  }
  const column = subject === 'file' ? functions.filename : functions.name;
  const test = remembered(strings.length, index => matchesRegex(regex, strings[index]!));
  return (location, line) => {
    if (line >= 0) return test(column[lines.function[line]!]!);
    return subject === 'function' && matchesRegex(regex, unknownName(profile, location));
  };
}

/** For each location whether the pattern matches one of its frames. */
export function matchingLocations(profile: Profile, pattern: FramePattern): Uint8Array {
  const { locations } = profile;
  const test = lineTest(profile, pattern);
  const matches = new Uint8Array(locations.length);
  for (let i = 0; i < locations.length; i++) {
    const [first, end] = [locations.firstLine[i]!, locations.firstLine[i + 1]!];
    if (locations.miss[i] !== Miss.none || first === end) matches[i] = Number(test(i, -1));
    else for (let line = first; line < end && matches[i] === 0; line++) matches[i] = Number(test(i, line));
  }
  return matches;
}
