/** Whether a stack of a target with a known answer is the true one: '' if so, else what is wrong with it. */

import { basename } from 'node:path';
import type { Frame, UserStack } from './unwind.ts';

/** Code that the targets call and that calls them back, whose functions have names only where symbols are installed. */
const SYSTEM = /^(libc\.so|libstdc\+\+\.so|libgcc_s\.so|libm\.so|ld-linux|\[vdso\]|libc-|linux-vdso)/;

function isSystem({ file }: Frame): boolean {
  return SYSTEM.test(basename(file));
}

/** Functions' names without namespace, return type and parameters; what the system's libraries do is left out. */
function shortNames(frames: readonly Frame[]): string[] {
  // A stub of the PLT has no name of its own, or one that says so; a signal may come while it runs.
  const isStub = (frame: Frame) => /@plt$/.test(frame.name) || (frame.name === '' && frame === frames.at(-1));
  return frames
    .filter(frame => !isSystem(frame) && !(isStub(frame) && frame.file !== ''))
    .map(({ name }) => name.replace(/(\(| \[clone).*$/, '').replace(/^.*[: ](?=\w)/, '') || '?');
}

/** A pattern for the first few of the names, one below the other, and if all are there, what may come below them. */
function chain(names: readonly string[], below = ''): string {
  return names.reduceRight((rest, name) => `(,${name}${rest})?`, below);
}

const numbered = (name: string, first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => `${name}${first + i}`);

function levels(first: number, last: number): string[] {
  return numbered('level<', first, last).map(name => `${name}>`);
}

/** An exception that is on its way out is caught here. */
const caught = '(,work)?';

const NOFP = new RegExp(
  `^(_start,)?(main,)?run${chain(
    [...levels(1, 10), 'aligned', ...levels(11, 20)],
    `(${caught}|${chain(
      [...levels(21, 25), 'library_through', ...levels(26, 40), 'leaf'],
      '(,sort(,compare(,work)?)?|,copy|,allocate|,print|,calls|,fail|,library_work|,work)?',
    )})`,
  )}$`,
);

const DEEP = new RegExp(
  `^(_start,)?(main,)?(run)?${chain(
    numbered('(left|right)<', 1, 40).map(name => `${name}>`),
    '(,work)?',
  )}$`,
);

const NESTED = chain(['nested', 'nested_1', 'nested_2', 'spin']);
const HANDLER = chain(['handler', 'handler_1', 'handler_2', 'handler_3'], `((,spin)?|${NESTED})`);
const LEAVES = '(,spin|,ask_the_time|,copy|,call_the_kernel)?';
/** A signal comes at any instruction: below every part of the chain there may be a handler. */
const SIGNALS = new RegExp(`^(_start,)?(main,)?worker(${chain(numbered('chain_', 1, 6), LEAVES)})${HANDLER}$`);

const exact = (pattern: RegExp) => (stack: UserStack) => {
  const names = shortNames(stack.frames).join(',');
  return pattern.test(names) ? '' : names || 'nothing of the program';
};

/** nofp.cc, once it runs. */
export const nofpFault = exact(NOFP);
/** deep.cc, once it runs. */
export const deepFault = exact(DEEP);
/** signals.c, once it runs. */
export const signalsFault = exact(SIGNALS);
/** plugin.c under dlloop.c or manymaps.c: every library's functions are under its own. */
export const pluginFault = exact(
  new RegExp(
    `^(_start,)?main${chain(['(load_and_burn|call)', 'burn', '(?<plugin>\\w+)_1', '\\k<plugin>_2', '\\k<plugin>_3'])}$`,
  ),
);
/** forkstorm.c: the children, and their parents between two of them. */
export const forkFault = exact(
  new RegExp(`^(_start,)?main(,storm|,many)?${chain(['child_1', 'child_2', 'child_3'], '(,spin|,cpu_us)?')}$`),
);
