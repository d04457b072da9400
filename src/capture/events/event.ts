import type { ValueType } from '../../model/profile.ts';

/** An event as perf_event_open knows it, and what a sample of it means. */
export interface EventType {
  /** As `perf list` prints it. */
  readonly name: string;
  readonly type: number;
  readonly config: number;
  /** What the second value of a sample counts (the first is the number of samples). */
  readonly counts: ValueType;
  /**
   * What one sample stands for, in units of `counts`: `weight`, the event's own period; or `time`, 1/Hz seconds of
   * CPU, for hardware clocks whose period is in cycles.
   */
  readonly value: 'weight' | 'time';
}

/** A family of events. */
export interface EventSource {
  /** For help texts: what names there are. */
  readonly description: string;
  readonly examples: readonly string[];
  /** The event of this name, or undefined when the family does not have it. */
  find(name: string): EventType | undefined;
}
