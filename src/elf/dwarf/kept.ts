/** The units that are kept flat: of all programs together, since one that looks at a machine looks at many. */

interface Sized {
  /** Of memory; may grow. */
  readonly bytes: number;
}

/** A unit of C++ has some 300 kB. */
const maxBytes = 64 * 2 ** 20;

/** The one that was used last is the last one. */
const units = new Map<Sized, { bytes: number; forget: () => void }>();
let total = 0;

/** Says that a unit is used now; `forget` is called when it has to go. */
export function use(unit: Sized, forget: () => void): void {
  total -= units.get(unit)?.bytes ?? 0;
  units.delete(unit);
  units.set(unit, { bytes: unit.bytes, forget });
  total += unit.bytes;
  for (const [oldest, { bytes, forget: drop }] of units) {
    if (total <= maxBytes || oldest === unit) return;
    units.delete(oldest);
    total -= bytes;
    drop();
  }
}
