/** The share of complete stacks, and of true ones where the truth is known, for each target and recorder. */

import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  completeShare,
  frameText,
  isRooted,
  Roots,
  sharesOf,
  sum,
  tally,
  type UserStack,
} from '../test/support/unwind.ts';
import { missingFor, nodeOf, nodeTarget, type Target, targets } from '../test/support/unwind-targets.ts';
import { folder, sleep, table } from './support.ts';
import { type Recording, recorders } from './unwind-peers.ts';

const SECONDS = 5;
/** A runtime has compiled what is hot by then, and a recorder has read its tables. */
const SETTLE_MS = 1500;

const percent = (share: number) => (Number.isNaN(share) ? '–' : `${(100 * share).toFixed(2)} %`);

/** Runs a target, as of new, for each recorder: nothing of one recording is left for the next. */
async function recordingsOf(target: Target): Promise<Map<string, Recording>> {
  const away = join(folder, target.name.replace(/\W+/g, '-'));
  mkdirSync(away, { recursive: true });
  const command = target.make(away);
  const recordings = new Map<string, Recording>();
  for (const recorder of recorders.filter(({ available }) => available)) {
    const [program = '', ...args] = command(SECONDS + 10);
    const child = spawn(program, args, { stdio: 'ignore' });
    await sleep(SETTLE_MS);
    recordings.set(recorder.name, await recorder.record(child.pid!, SECONDS));
    child.kill('SIGKILL');
  }
  return recordings;
}

/** The share of stacks that are the true ones, whole. */
function exactShare({ fault }: Target, stacks: readonly UserStack[], roots: Roots): number {
  if (fault === undefined) return Number.NaN;
  return sum(stacks, stack => (isRooted(stack, roots) && fault(stack) === '' ? 1 : 0)) / sum(stacks);
}

/** What is said of each recorder, one after the other. */
function cells(target: Target, recordings: ReadonlyMap<string, Recording>, roots: Roots): string[] {
  const all = recorders.map(({ name }) => {
    const stacks = recordings.get(name)?.stacks;
    if (stacks === undefined) return ['–', '–', '–'];
    const { rooted, depth } = sharesOf(stacks, roots);
    return [percent(rooted), percent(exactShare(target, stacks, roots)), depth.toFixed(1)];
  });
  return [0, 1, 2].map(column => all.map(row => row[column]!.replace(' %', '')).join(' / '));
}

/** What of our recording is not as it should be: how walks ended, and in which frame those ended that did not come far. */
function explain(target: Target, { stacks, ends }: Recording, roots: Roots): string[] {
  const lines: string[] = [];
  const lost = [...ends].filter(([end]) => end !== 'all' && end !== 'complete');
  if (lost.length > 0) lines.push(`walks ended: ${lost.map(([end, count]) => `${end} ${count}`).join(', ')}`);
  const astray = stacks.filter(stack => !isRooted(stack, roots));
  for (const text of tally(astray, stack => frameText(stack.frames[0]!), 6)) lines.push(`outermost: ${text}`);
  const fault = target.fault;
  if (fault === undefined) return lines;
  const untrue = stacks.filter(stack => isRooted(stack, roots) && fault(stack) !== '');
  return [...lines, ...tally(untrue, fault, 3).map(text => `complete, not true: ${text}`)];
}

function chosen(): Target[] {
  const others = [22, 24].flatMap(version => {
    const path = nodeOf(version);
    if (path === undefined) console.log(`not here: node ${version} (npx could not bring it)`);
    return path === undefined ? [] : [nodeTarget(`node ${version}`, path)];
  });
  const only = process.env.UNWIND_TARGETS?.split(',');
  return [...targets, ...others].filter(({ name }) => only === undefined || only.some(part => name.includes(part)));
}

export async function complete(): Promise<void> {
  const roots = new Roots(folder);
  const rows: string[][] = [];
  const notes: string[] = [];
  for (const target of chosen()) {
    const missing = missingFor(target);
    if (missing !== '') {
      console.log(`not here: ${target.name} (needs ${missing})`);
      continue;
    }
    const recordings = await recordingsOf(target);
    const ours = recordings.get('profiler');
    const said = percent(ours === undefined ? Number.NaN : completeShare(ours.ends));
    rows.push([target.name, `${target.aim} %`, said, ...cells(target, recordings, roots)]);
    if (ours !== undefined) notes.push(...explain(target, ours, roots).map(line => `${target.name}: ${line}`));
  }
  console.log(
    `\nstacks of ${SECONDS} s of each target, of ${recorders.map(({ name }) => name).join(' / ')}, per cent that are`,
  );
  console.log(
    'complete as we say, that begin where stacks begin, that are true where that is known, and mean user frames',
  );
  table([['target', 'aim', 'complete', 'begin', 'true', 'frames'], ...rows]);
  for (const note of notes) console.log(note);
}
