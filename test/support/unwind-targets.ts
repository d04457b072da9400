/** Programs whose stacks are hard to walk: what has to be installed for them, how they are made and started. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../src/package.ts';
import type { UserStack } from './unwind.ts';
import { onPath } from './unwind.ts';
import { deepFault, nofpFault, signalsFault } from './unwind-exact.ts';

const programs = join(packageRoot, 'test/programs');

export interface Target {
  readonly name: string;
  /** Commands without which there is no such program. */
  readonly needs: readonly string[];
  /** Share of its stacks that are to be complete, per cent. */
  readonly aim: number;
  /** Makes it in a folder. The command that it then is burns for some seconds. */
  make(folder: string): (seconds: number) => readonly string[];
  /** What is wrong with a stack, '' for a true one, where that is known. */
  readonly fault?: (stack: UserStack) => string;
}

/** Compiles test/programs/SOURCE as distributions do: optimized, without frame pointers. */
export function compileWithout(folder: string, source: string, output: string, ...options: readonly string[]): string {
  const compiler = source.endsWith('.cc') ? 'g++' : 'gcc';
  const flags = ['-O2', '-fomit-frame-pointer', '-falign-functions=64', '-falign-loops=64'];
  const path = join(folder, output);
  // Libraries come after what needs them.
  execFileSync(compiler, [...flags, '-o', path, join(programs, source), ...options, '-lpthread']);
  return path;
}

/** plugin.c as a library, whose functions and whose frames are its own; it burns for a time of its own, too. */
export function makePlugin(folder: string, name: string, frame: number, milliseconds: number): string {
  // About 1.5 ns a round.
  const rounds = Math.round(milliseconds * 650_000);
  const options = ['-shared', '-fPIC', `-DNAME=${name}`, `-DFRAME=${frame}`, `-DROUNDS=${rounds}`];
  return compileWithout(folder, 'unwind/plugin.c', `lib${name}.so`, ...options);
}

function makeNofp(folder: string, largeFrame: number): string {
  compileWithout(folder, 'unwind/library.cc', 'libnofp.so', '-shared', '-fPIC');
  const options = [`-DLARGE_FRAME=${largeFrame}`, `-L${folder}`, '-lnofp', '-Wl,-rpath,$ORIGIN', '-Wl,-z,lazy'];
  return compileWithout(folder, 'unwind/nofp.cc', `nofp-${largeFrame}`, ...options);
}

/** The command of a program whose first argument is the number of seconds. */
function burns(program: string, ...rest: readonly string[]) {
  return (seconds: number) => [program, `${seconds}`, ...rest];
}

const source = (name: string) => join(programs, 'unwind', name);

function makeWith(folder: string, output: string, ...command: readonly [string, ...string[]]): string {
  const path = join(folder, output);
  const [compiler, ...args] = command;
  execFileSync(
    compiler,
    args.map(arg => (arg === 'OUTPUT' ? path : arg)),
    { cwd: folder },
  );
  return path;
}

/** Runs node of a major version that npm brings, or has brought before; undefined where it cannot. */
export function nodeOf(version: number, from: 'network' | 'cache' = 'network'): string | undefined {
  try {
    const script = 'process.stdout.write(process.execPath)';
    const how = from === 'cache' ? '--offline' : '--prefer-offline';
    return execFileSync('npx', [how, '-y', '-p', `node@${version}`, 'node', '-e', script], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 120_000,
    });
  } catch {
    return undefined;
  }
}

export function nodeTarget(name: string, node: string): Target {
  return { name, needs: [], aim: 99.5, make: () => seconds => [node, source('load.mjs'), `${seconds}`] };
}

/** What `python3` stands for: the name on the path may be a script that looks for a version. */
function python(): string {
  const script = 'import sys; print(sys.executable)';
  return execFileSync('python3', ['-c', script], { encoding: 'utf8' }).trim();
}

export const nofp: Target = {
  name: 'C++ -O2, no frame pointers',
  needs: ['g++'],
  aim: 99.9,
  make: folder => burns(makeNofp(folder, 256), '3'),
  fault: nofpFault,
};

export const nofpLarge: Target = {
  name: 'C++, a frame of 64 KB',
  needs: ['g++'],
  aim: 99.9,
  make: folder => burns(makeNofp(folder, 65_536), '3'),
  fault: nofpFault,
};

/** The 40-deep target with 16,384 stacks. */
export const deep: Target = {
  name: 'C++, 40 deep, 16,384 stacks',
  needs: ['g++'],
  aim: 99.9,
  make: folder => burns(compileWithout(folder, 'deep.cc', 'deep'), '2', '16384'),
  fault: deepFault,
};

export const signals: Target = {
  name: 'signal handlers, vdso',
  needs: ['gcc'],
  aim: 99.9,
  make: folder => burns(compileWithout(folder, 'unwind/signals.c', 'signals'), '3'),
  fault: signalsFault,
};

export const rust: Target = {
  name: 'Rust release',
  needs: ['rustc'],
  aim: 99.9,
  make: folder =>
    burns(makeWith(folder, 'rust', 'rustc', '-O', '--edition', '2021', '-o', 'OUTPUT', source('rust.rs'))),
};

function goTarget(name: string, file: string, needs: readonly string[], ...flags: readonly string[]): Target {
  return {
    name,
    needs,
    aim: 99.5,
    make: folder => burns(makeWith(folder, `go-${file}`, 'go', 'build', ...flags, '-o', 'OUTPUT', source(file))),
  };
}

export const go = goTarget('Go', 'go.go', ['go']);
/** Nothing tells how to unwind it but its frame pointers. */
export const goStripped = goTarget('Go, stripped', 'go.go', ['go'], '-ldflags=-s -w');
export const cgo = goTarget('Go with C', 'cgo.go', ['go', 'gcc']);

export const clang: Target = {
  name: 'clang compiling (libLLVM)',
  needs: ['clang++'],
  aim: 99.5,
  // It takes about 0.4 s a unit here.
  make: () => seconds => {
    const units = `-DUNITS=${4 * seconds + 20}`;
    return ['clang++', '-std=c++17', '-O2', units, '-c', '-o', '/dev/null', source('compile.cc')];
  },
};

export const node = nodeTarget(`node ${process.versions.node.split('.')[0]}`, process.execPath);

export const python3: Target = {
  name: 'CPython',
  needs: ['python3'],
  aim: 99.5,
  make: () => {
    const program = python();
    return seconds => [program, source('load.py'), `${seconds}`];
  },
};

export const java: Target = {
  name: 'java, frame pointers kept',
  needs: ['java', 'javac'],
  aim: 99,
  make: folder => {
    execFileSync('javac', ['-d', folder, source('Load.java')]);
    return seconds => ['java', '-XX:+PreserveFramePointer', '-cp', folder, 'Load', `${seconds}`];
  },
};

export const targets: readonly Target[] = [nofp, nofpLarge, deep, signals, rust, go, cgo, clang, node, python3, java];

/** What is missing for a target; '' when nothing is. */
export function missingFor({ needs }: Target): string {
  return needs.filter(command => !onPath(command)).join(', ');
}
