/**
 * Text that somebody else chose, made safe to show: no markup, nothing that XML forbids, nothing that reorders or hides
 * what stands around it, never longer than its place.
 */

import { formatCount } from './format.ts';

/** Invisible or reordering characters: bidi controls, zero-width characters (not the joiners), tags. */
const INVISIBLE =
  /[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
/** What XML 1.0 forbids or discourages: C0, C1, non-characters, surrogates without their other half. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f\ufffe\uffff\ud800-\udfff]/gu;
const LINE_BREAK = /\r\n|[\n\u0085\u2028\u2029]/g;
/** ASCII and what Latin-1 adds to it, without the soft hyphen: one cell each, and nothing combines. */
const PLAIN = /^[\x20-\x7e\xa1-\xac\xae-\xff]*$/;
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18d08}\u{1b000}-\u{1b2ff}\u{1f1e6}-\u{1f1ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
/** More code units than this in one visible character are not writing but an attack on the line height. */
const MAX_GRAPHEME = 16;

/** Made when it is first needed: that takes 6 ms, and most names are ASCII. */
let segmenter: Intl.Segmenter | undefined;

function graphemesOf(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return segmenter.segment(text);
}

/** Whether every character is printable and as simple as ASCII. */
export function isPlain(text: string): boolean {
  return PLAIN.test(text);
}

/** One line in which every character is visible and allowed in XML. Not yet escaped. */
export function visible(text: string): string {
  if (PLAIN.test(text)) return text;
  return text
    .replace(LINE_BREAK, '␤')
    .replace(/\r/g, '␍')
    .replace(/\t/g, '␉')
    .replace(FORBIDDEN, '\ufffd')
    .replace(INVISIBLE, char => `‹U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}›`);
}

/** Escapes for XML, for text and for attributes in either kind of quotes. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, char => ENTITIES[char]!);
}

/** The first `limit` UTF-16 code units, or one less where that would tear a pair of surrogates apart. */
function head(text: string, limit: number): string {
  const tearsPair = /[\ud800-\udbff]/.test(text[limit - 1] ?? '') && /[\udc00-\udfff]/.test(text[limit] ?? '');
  return text.slice(0, tearsPair ? limit - 1 : limit);
}

/**
 * The start of any text, made visible, with a note of how much is missing: `abc… (+64,000 characters)`.
 * @param limit in UTF-16 code units of the text; characters that are spelt out (`‹U+202E›`) make the result longer
 */
export function bounded(text: string, limit: number): string {
  if (text.length <= limit) return visible(text);
  const start = head(text, limit);
  return `${visible(start)}… (+${formatCount(text.length - start.length)} characters)`;
}

function cellsOf(grapheme: string): number {
  return WIDE.test(grapheme) ? 2 : 1;
}

/** Width of a visible text in cells of a monospace font; Chinese, Japanese, Korean characters and emoji take two. */
export function cells(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemesOf(text)) width += cellsOf(segment);
  return width;
}

/**
 * A visible text cut to a width in cells, with `…` where something is missing. Cuts between whole characters as people
 * see them: never half a surrogate pair, never a letter without its accents.
 */
export function truncate(text: string, width: number): string {
  if (width < 1) return '';
  // No character takes less than a cell: what lies this far beyond the width decides nothing.
  const start = head(text, (width + 1) * MAX_GRAPHEME);
  if (PLAIN.test(start)) return start.length <= width ? start : `${start.slice(0, width - 1)}…`;
  let used = 0;
  let fits = 0;
  for (const { segment, index } of graphemesOf(start)) {
    if (segment.length > MAX_GRAPHEME) return `${start.slice(0, fits)}…`;
    used += cellsOf(segment);
    if (used > width) return `${start.slice(0, fits)}…`;
    if (used < width) fits = index + segment.length;
  }
  return start;
}

/** Qualifiers in front of a name: namespaces (`a::b::`) and the directories of a package path. */
const QUALIFIERS = /^(?:(?:[\w~]+|\(anonymous namespace\)|\{[\w#]+\})::)+(?=.)|^[\w.~-]*(?:\/[\w.~-]+)*\/(?=.)/;

/** With fewer cells than this, no cell is spent on telling that the qualifiers are gone. */
const NARROW = 10;

/** A visible name cut to a width in cells. What tells it from its neighbours goes last: first the qualifiers go. */
export function shorten(name: string, width: number): string {
  if (name.length > width && width > 1 && isPlain(name)) {
    const own = name.slice(QUALIFIERS.exec(name)?.[0].length ?? 0);
    if (own !== name) return width < NARROW ? truncate(own, width) : `…${truncate(own, width - 1)}`;
  }
  return truncate(name, width);
}

/** Breaks a visible text at spaces into lines of at most `width` cells; the last of `limit` lines is cut. */
export function wrap(text: string, width: number, limit: number): string[] {
  const lines: string[] = [];
  let line = '';
  const words = text.split(' ');
  for (let i = 0; i < words.length; i++) {
    const longer = line === '' ? words[i]! : `${line} ${words[i]}`;
    if (line === '' || cells(longer) <= width) {
      line = longer;
      continue;
    }
    if (lines.length === limit - 1) {
      line = `${line} ${words.slice(i).join(' ')}`;
      break;
    }
    lines.push(truncate(line, width));
    line = words[i]!;
  }
  lines.push(truncate(line, width));
  return lines;
}
