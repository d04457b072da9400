/** Whether profiles count the same thing in the same way, so that their values can be compared. */
import { ExitCode, ProfilerError } from '../errors.ts';
import type { Profile, ValueType } from '../model/profile.ts';

/** What a profile says about its values. */
export interface Measured {
  readonly name: string;
  readonly sampleTypes: readonly ValueType[];
  /** Index into sampleTypes: what is compared. */
  readonly index: number;
  readonly periodType: ValueType;
  readonly period: number;
  /** What was sampled, `cycles`; '' when it is not known. */
  readonly event: string;
}

/** As our recordings say it in a comment. */
const EVENT = /^(\S+) at \d+(?:\.\d+)? Hz$/;

export function eventOf({ comments }: Profile): string {
  for (const comment of comments) {
    const [, event] = EVENT.exec(comment) ?? [];
    if (event !== undefined) return event;
  }
  return '';
}

function typeText({ type, unit }: ValueType): string {
  return unit === '' ? type : `${type}/${unit}`;
}

function typesText(types: readonly ValueType[]): string {
  return types.map(typeText).join(', ');
}

/**
 * @param wanted a sample type (`cpu`), or one with its unit (`cpu/nanoseconds`); else what `reference` has, or without one
 * the last, which is the main one by pprof's convention
 * @throws ProfilerError when a profile does not have the type that was asked for
 */
export function measured(
  name: string,
  profile: Profile,
  wanted: string | undefined,
  reference: Measured | undefined,
): Measured {
  const { sampleTypes, periodType, period } = profile;
  const type = wanted ?? reference?.sampleTypes[reference.index]?.type;
  const found = sampleTypes.findIndex(known => known.type === type || typeText(known) === type);
  if (found < 0 && wanted !== undefined) {
    throw new ProfilerError('unknown-sample-type', `"${name}" has no sample type "${wanted}".`, {
      hint: `It has ${typesText(sampleTypes)}.`,
      exitCode: ExitCode.usage,
    });
  }
  return {
    name,
    sampleTypes,
    index: found < 0 ? sampleTypes.length - 1 : found,
    periodType,
    period,
    event: eventOf(profile),
  };
}

/** Whether it is known how often samples were taken: text that only counts them has every single one. */
function hasPeriod({ period, periodType: { type } }: Measured): boolean {
  return period > 0 && type !== '' && !(period === 1 && type === 'samples');
}

/** What stands against comparing a profile with the first one, a sentence each. */
export function obstacles(first: Measured, other: Measured): string[] {
  const [a, b] = [first.sampleTypes[first.index]!, other.sampleTypes[other.index]!];
  const found: string[] = [];
  if (a.type !== b.type) {
    found.push(`"${first.name}" counts ${typeText(a)}, and "${other.name}" has only ${typesText(other.sampleTypes)}.`);
  } else if (a.unit !== b.unit) {
    found.push(`"${first.name}" has ${a.type} in ${a.unit || 'no unit'}, "${other.name}" in ${b.unit || 'no unit'}.`);
  }
  if (first.event !== other.event && first.event !== '' && other.event !== '') {
    found.push(`"${first.name}" is of the event ${first.event}, "${other.name}" of ${other.event}.`);
  }
  if (!hasPeriod(first) || !hasPeriod(other)) return found;
  const [every, otherEvery] = [first, other].map(({ period, periodType }) => `${period} ${typeText(periodType)}`);
  if (every !== otherEvery) {
    found.push(`"${first.name}" was sampled every ${every}, "${other.name}" every ${otherEvery}.`);
  }
  return found;
}

/** How to get around obstacles. */
export function wayAround(first: Measured, other: Measured): string {
  const isCommon = ({ type, unit }: ValueType) =>
    other.sampleTypes.some(candidate => candidate.type === type && candidate.unit === unit);
  const common = isCommon(first.sampleTypes[first.index]!) ? undefined : first.sampleTypes.find(isCommon);
  if (common === undefined) return 'To compare them all the same, say --force.';
  return `Both have --sample-type ${common.type}; or --force compares them all the same.`;
}

/** How many samples a profile holds: counted, or the value in periods; 0 when it does not say. */
export function sampleCount(
  { sampleTypes, samples, period, periodType }: Profile,
  index: number,
  total: number,
): number {
  if (sampleTypes[index]!.type === 'samples') return total;
  const counted = sampleTypes.findIndex(({ type, unit }) => type === 'samples' && unit === 'count');
  if (counted >= 0) return samples.values[counted]!.reduce((sum, count) => sum + count, 0);
  const { type, unit } = sampleTypes[index]!;
  return period > 0 && type === periodType.type && unit === periodType.unit ? total / period : 0;
}
