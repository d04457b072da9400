/** The registry of event sources: a new one is a file and a line here. */
import { ExitCode, ProfilerError } from '../../errors.ts';
import { cacheEvents } from './cache.ts';
import { clockEvents } from './clock.ts';
import type { EventSource, EventType } from './event.ts';
import { hardwareEvents } from './hardware.ts';
import { rawEvents } from './raw.ts';
import { softwareEvents } from './software.ts';

export const eventSources: readonly EventSource[] = [
  clockEvents,
  hardwareEvents,
  softwareEvents,
  cacheEvents,
  rawEvents,
];

export interface SelectedEvent extends EventType {
  /** From the modifiers of `cycles:u` and `cycles:k`. */
  readonly excludeUser: boolean;
  readonly excludeKernel: boolean;
}

/** Finds an event by the name that `perf list` prints, with perf's `:u` and `:k` modifiers. */
export function findEvent(text: string): SelectedEvent {
  const [, name = '', modifiers = ''] = /^([^:]*)(?::([uk]+))?$/.exec(text) ?? [];
  for (const source of eventSources) {
    const event = source.find(name);
    if (!event) continue;
    const [user, kernel] = [modifiers.includes('u'), modifiers.includes('k')];
    return { ...event, name: text, excludeUser: kernel && !user, excludeKernel: user && !kernel };
  }
  throw new ProfilerError('unknown-event', `unknown event "${text}".`, {
    hint: `Known are ${eventSources.flatMap(source => source.examples).join(', ')}, each with :u or :k.`,
    exitCode: ExitCode.usage,
  });
}
