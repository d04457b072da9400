/** Sideband records for those who take them. */
import { type RecordConsumer, Sideband } from '../../src/capture/sideband.ts';

/** Has read these records. */
export function sidebandOf(...records: readonly Uint8Array[]): Sideband {
  return add(new Sideband(), records);
}

function add(sideband: Sideband, records: readonly Uint8Array[]): Sideband {
  const bytes = Buffer.concat(records);
  sideband.read(bytes.length, into => bytes.copy(into));
  return sideband;
}

/** What a consumer was handed stays where it is. */
const sidebands = new WeakMap<RecordConsumer, Sideband>();

/** Hands records to a consumer, in the order of their times, after those that it has. */
export function feed(consumer: RecordConsumer, ...records: readonly Uint8Array[]): void {
  const sideband = sidebands.get(consumer) ?? new Sideband();
  sidebands.set(consumer, sideband);
  add(sideband, records).handOver(Number.POSITIVE_INFINITY, consumer);
}
