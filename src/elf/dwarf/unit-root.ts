/** What the first entry of a unit says of the unit. */

/** Texts as numbers of `TextIn`. */
export interface Root {
  directory: number;
  splitName: number;
  splitId: string;
  /** The line table's offset, −1 when there is none. */
  lines: number;
  low: number;
  high: number;
  /** As stored, −1 for none. */
  ranges: number;
  rangesAreIndex: boolean;
  stringsBase: number;
  addressBase: number;
  listsBase: number;
  /** Of the GNU extension: what offsets of range lists in the split unit count from. */
  rangesBase: number;
}

export function emptyRoot(): Root {
  return {
    directory: 0,
    splitName: 0,
    splitId: '',
    lines: -1,
    low: 0,
    high: 0,
    ranges: -1,
    rangesAreIndex: false,
    stringsBase: -1,
    addressBase: -1,
    listsBase: -1,
    rangesBase: 0,
  };
}
