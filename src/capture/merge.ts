/** Puts samples and sideband events, which come through different buffers, into the order in which they happened. */
import { field64, sampleWords, Word } from './samples.ts';
import type { SidebandEvent } from './sideband.ts';

export interface Consumer {
  /** An event that is among those to come: what is known of its process now may no longer hold when it comes. */
  announce(event: SidebandEvent): void;
  /** One sample: see samples.ts for the words. They are overwritten after the call. */
  sample(words: Uint32Array, at: number): void;
  event(event: SidebandEvent): void;
}

/**
 * Hands over the samples `words[0 … end)` and the events up to the time `until` (ns), which are taken from `events`,
 * sorted by time. Later events stay: samples that happened before them may still come.
 */
export function merge(
  words: Uint32Array,
  end: number,
  events: SidebandEvent[],
  until: number,
  consumer: Consumer,
): void {
  let next = 0;
  for (let at = 0; at < end; ) {
    const following = at + sampleWords(words, at); // the consumer may change the words
    const time = field64(words, at + Word.time);
    while (next < events.length && events[next]!.time <= time) consumer.event(events[next++]!);
    consumer.sample(words, at);
    at = following;
  }
  while (next < events.length && events[next]!.time <= until) consumer.event(events[next++]!);
  events.splice(0, next);
}
