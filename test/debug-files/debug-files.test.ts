import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  constants,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { DebugFiles } from '../../src/debug-files/debug-files.ts';
import { FilePool } from '../../src/debug-files/pool.ts';
import { has } from '../elf/toolchain.ts';
import { openBelow, testFolder } from '../support/folder.ts';
import { random } from '../support/random.ts';
import { addressOf, buildIdOf, buildIdPath, codeOf, compile, keepDebug, nameAt, run, strip } from './support.ts';

const path = testFolder();
const withFolders = (name: string) => name.slice(0, name.lastIndexOf('/'));

/** A path whose folders exist. */
function at(name: string): string {
  mkdirSync(path(withFolders(name)), { recursive: true });
  return path(name);
}

mkdirSync(path('build'));
const whole = compile(path('build/program'));
/** The same without a build id. */
const unnamed = compile(path('build/unnamed'), '-Wl,--build-id=none');
const address = addressOf(whole);
const id = buildIdOf(whole);

/** What the local function of a stripped program is called, and what is said of the files on the way. */
function lookUp(program: string, folders: readonly string[] = [], more: { root?: number; filename?: string } = {}) {
  const files = new DebugFiles({ folders });
  const name = nameAt(files, codeOf(program, more), address);
  const notes = files.takeNotes();
  files.close();
  return { name, notes };
}

const found = { name: 'local_function', notes: [] };

describe('by build id', () => {
  const program = strip(whole, path('build/by-id'));
  const debug = keepDebug(whole, at(`by-id/${buildIdPath(id)}`));

  test('below a folder that the user names', () => expect(lookUp(program, [path('by-id')])).toEqual(found));
  test('not without the folder', () => expect(lookUp(program)).toEqual({ name: undefined, notes: [] }));
  test('in the second folder', () => expect(lookUp(program, [path('nothing'), path('by-id')])).toEqual(found));

  test('through symbolic links', () => {
    mkdirSync(dirname(path(`links/${buildIdPath(id)}`)), { recursive: true });
    symlinkSync('../../../by-id/a.debug', path(`links/${buildIdPath(id)}`));
    symlinkSync(debug, path('by-id/a.debug'));
    expect(lookUp(program, [path('links')])).toEqual(found);
  });

  test('not the debug file of another program', () => {
    copyFileSync(keepDebug(unnamed, path('build/other')), at(`other/${buildIdPath(id)}`));
    const { name, notes } = lookUp(program, [path('other')]);
    expect(name).toBeUndefined();
    expect(notes).toEqual([`${path(`other/${buildIdPath(id)}`)}: it has another build id`]);
  });

  test('not a file without anything in it', () => {
    strip(whole, at(`empty/${buildIdPath(id)}`));
    expect(lookUp(program, [path('empty')]).notes[0]).toMatch(/: it has neither symbols nor debug information$/);
  });

  test('what is wrong with a file is told once', () => {
    const files = new DebugFiles({ folders: [path('empty')] });
    for (let i = 0; i < 3; i++) nameAt(files, codeOf(program), address);
    expect(files.takeNotes()).toHaveLength(1);
    expect(files.takeNotes()).toEqual([]);
    files.close();
  });
});

test('a debug package that is installed while an agent runs', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const program = strip(whole, path('build/installed'));
  const files = new DebugFiles({ folders: [path('installed')] });
  const code = codeOf(program);
  expect(nameAt(files, code, address)).toBeUndefined();
  keepDebug(whole, at(`installed/${buildIdPath(id)}`));
  expect(files.outdated([code])).toEqual([]);
  vi.advanceTimersByTime(16 * 60_000);
  expect(files.outdated([code])).toEqual([code]);
  expect(nameAt(files, codeOf(program), address)).toBe('local_function');
  files.close();
  vi.useRealTimers();
});

describe('by debug link', () => {
  const linked = (name: string, of = unnamed) => {
    const debug = keepDebug(of, at(`${name}/program.debug`));
    const program = strip(of, path(`${name}/program`), `--add-gnu-debuglink=${debug}`);
    return { debug, program };
  };
  const move = (from: string, to: string) => {
    copyFileSync(from, to);
    unlinkSync(from);
  };

  test('beside the program', () => expect(lookUp(linked('beside').program)).toEqual(found));

  test('in .debug beside it', () => {
    const { debug, program } = linked('dot-debug');
    move(debug, at('dot-debug/.debug/program.debug'));
    expect(lookUp(program)).toEqual(found);
  });

  test('where the path is repeated below a folder of debug files', () => {
    const { debug, program } = linked('repeated');
    mkdirSync(path(`below${path('repeated')}`), { recursive: true });
    move(debug, path(`below${path('repeated')}/program.debug`));
    expect(lookUp(program, [path('below')])).toEqual(found);
  });

  test('of a program that was removed since', () => {
    const { program } = linked('removed');
    expect(lookUp(program, [], { filename: `${program} (deleted)` })).toEqual(found);
  });

  test('not with another checksum', () => {
    const { debug, program } = linked('changed');
    appendFileSync(debug, '!');
    expect(lookUp(program)).toEqual({ name: undefined, notes: [`${debug}: its checksum is another one`] });
  });

  test('not with another checksum though the build id is the same', () => {
    const { debug, program } = linked('same-id', whole);
    appendFileSync(debug, '!');
    expect(lookUp(program)).toEqual({ name: undefined, notes: [`${debug}: its checksum is another one`] });
  });

  test('the right file further on, when the first is wrong', () => {
    const { debug, program } = linked('second');
    copyFileSync(debug, at('second/.debug/program.debug'));
    appendFileSync(debug, '!');
    expect(lookUp(program).name).toBe('local_function');
  });

  test('not a link to itself', () => {
    const debug = keepDebug(unnamed, at('itself/itself'));
    strip(unnamed, path('itself/program'), `--add-gnu-debuglink=${debug}`);
    move(path('itself/program'), debug);
    expect(lookUp(debug)).toEqual({ name: undefined, notes: [] });
  });

  test('cut off anywhere', () => {
    const { debug, program } = linked('cut', whole);
    const bytes = readFileSync(debug);
    // By build id, so that no checksum saves the day.
    const cut = at(`cut/debug/${buildIdPath(id)}`);
    const next = random(3);
    for (let i = 0; i < 60; i++) {
      writeFileSync(cut, bytes.subarray(0, next(bytes.length)));
      unlinkSync(debug);
      const { name } = lookUp(program, [path('cut/debug')]);
      expect([undefined, 'local_function']).toContain(name);
      writeFileSync(debug, bytes);
    }
  });
});

describe("below the target's root directory", () => {
  const program = strip(whole, at('container/bin/program'));
  const root = openSync(path('container'), constants.O_RDONLY | constants.O_DIRECTORY);
  afterAll(() => closeSync(root));
  const inside = { root, filename: '/bin/program' };
  const place = at(`container/usr/lib/debug/${buildIdPath(id)}`);
  const reset = () => rmSync(place, { force: true });

  test('in its /usr/lib/debug', () => {
    keepDebug(whole, place);
    expect(lookUp(program, [], inside)).toEqual(found);
    reset();
  });

  test('an absolute link leads to its files, not to ours', () => {
    keepDebug(whole, at('container/store/a.debug'));
    symlinkSync('/store/a.debug', place);
    expect(lookUp(program, [], inside)).toEqual(found);
    reset();
  });

  test('no link leads out', () => {
    keepDebug(whole, path('outside.debug'));
    const up = '../'.repeat(20);
    for (const target of [
      path('outside.debug'),
      `${up}${path('outside.debug')}`,
      `/proc/1/root${path('outside.debug')}`,
    ]) {
      symlinkSync(target, place);
      expect(lookUp(program, [], inside)).toEqual({ name: undefined, notes: [] });
      reset();
    }
  });

  test('links in a circle', () => {
    symlinkSync(place, place);
    symlinkSync('/loop', path('container/loop'));
    expect(lookUp(program, [], inside)).toEqual({ name: undefined, notes: [] });
    reset();
  });

  test('a folder that the user names is one of ours', () => {
    keepDebug(whole, at(`ours/${buildIdPath(id)}`));
    expect(lookUp(program, [path('ours')], inside)).toEqual(found);
  });
});

describe('what lies in the place of a debug file and is none', () => {
  const program = strip(whole, path('build/hostile'));
  const place = at(`hostile/${buildIdPath(id)}`);

  test.each([
    ['a FIFO', () => execFileSync('mkfifo', [place]), 'no regular file that may be read'],
    ['a folder', () => mkdirSync(place), 'no regular file that may be read'],
    ['nothing', () => writeFileSync(place, ''), 'no ELF file: the magic number is missing'],
    ['a text', () => writeFileSync(place, 'text'), 'no ELF file: the magic number is missing'],
    [
      'zeros without end',
      () => {
        writeFileSync(place, '');
        truncateSync(place, 100 * 2 ** 30);
      },
      'no ELF file: the magic number is missing',
    ],
  ])('%s', (_, make, reason) => {
    make();
    expect(lookUp(program, [path('hostile')])).toEqual({ name: undefined, notes: [`${place}: ${reason}`] });
    rmSync(place, { recursive: true });
  });

  test('a link to a device', () => {
    symlinkSync('/dev/zero', place);
    const notes = ['/dev/zero: no regular file that may be read'];
    expect(lookUp(program, [path('hostile')])).toEqual({ name: undefined, notes });
    rmSync(place);
  });

  test('a debug file of 100 GB is not read for its checksum', () => {
    const debug = keepDebug(unnamed, at('huge/program.debug'));
    const linked = strip(unnamed, path('huge/program'), `--add-gnu-debuglink=${debug}`);
    truncateSync(debug, 100 * 2 ** 30);
    expect(lookUp(linked).notes).toEqual([`${debug}: its ${100 * 2 ** 30} bytes are too many to be checked`]);
  });

  test('a debug file of 2 GB with a hole is not read into memory', () => {
    keepDebug(whole, place);
    truncateSync(place, 2 * 2 ** 30);
    const before = process.memoryUsage().rss;
    expect(lookUp(program, [path('hostile')])).toEqual(found);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
    rmSync(place);
  });
});

describe('files of the DWARF of a program', () => {
  const parts = (program: string, folders: readonly string[] = []) => {
    const files = new DebugFiles({ folders });
    return { parts: files.partsOf(codeOf(program)), files };
  };

  test('the program itself where it has it', () => {
    const { parts: own } = parts(whole);
    expect(own?.main.elf.sections.some(({ name }) => name === '.debug_info')).toBe(true);
    expect(own?.main.bytes.size).toBe(readFileSync(whole).length);
  });

  test('not where unpacking it would take too much memory; its symbols are no matter of that', () => {
    const debug = keepDebug(whole, at(`packed/${buildIdPath(id)}`), '--compress-debug-sections=zlib');
    const code = codeOf(strip(whole, path('build/packed')));
    const bounded = (maxUnpackedBytes: number) => new DebugFiles({ folders: [path('packed')], maxUnpackedBytes });
    expect(bounded(2 ** 20).partsOf(code)).toBeDefined();
    const files = bounded(1000);
    expect(files.partsOf(code)).toBeUndefined();
    expect(nameAt(files, code, address)).toBe('local_function');
    expect(files.takeNotes()).toEqual([`${debug}: its compressed debug information would take 1 MiB`]);
  });

  test('none', () => {
    expect(parts(strip(whole, path('build/without'))).parts).toBeUndefined();
  });

  test('the debug file of a program that has symbols', () => {
    keepDebug(whole, at(`symbols/${buildIdPath(id)}`));
    const program = strip(whole, path('build/with-symbols'), '--strip-debug');
    run('objcopy', '--strip-debug', whole, program);
    const { parts: separate, files } = parts(program, [path('symbols')]);
    expect(separate?.main.bytes.size).toBe(readFileSync(path(`symbols/${buildIdPath(id)}`)).length);
    // Its names are its own.
    expect(files.symbolsOf(codeOf(program))).toBeUndefined();
  });

  test.skipIf(!has('dwz'))('what it shares with others, by dwz (needs dwz)', () => {
    // Something to share: two programs with the same types.
    const names = ['one', 'two'].map(name => compile(at(`shared/${name}`), `-Dchosen=chosen_${name}`));
    const debugs = names.map(name => keepDebug(name, `${name}.debug`));
    run('dwz', '-m', path('shared/common.debug'), '-M', '../common/common.debug', ...debugs);
    const stripped = names.map((name, i) => strip(name, `${name}.stripped`, `--add-gnu-debuglink=${debugs[i]}`));
    const shares = () => {
      const { parts: of, files } = parts(stripped[0]!, [path('shared/dir')]);
      return { elf: of?.supplementary?.elf, notes: files.takeNotes() };
    };
    expect(shares()).toEqual({ elf: undefined, notes: [expect.stringMatching(/missing \(build id [0-9a-f]{40}\)$/)] });
    // By the path that it tells.
    copyFileSync(path('shared/common.debug'), at('common/common.debug'));
    const commonId = buildIdOf(path('shared/common.debug'));
    expect(shares().elf?.buildId).toBe(commonId);
    // By build id, and by name.
    for (const place of [buildIdPath(commonId), '.dwz/common.debug']) {
      rmSync(path('common'), { recursive: true, force: true });
      copyFileSync(path('shared/common.debug'), at(`shared/dir/${place}`));
      expect(shares().elf?.buildId).toBe(commonId);
      rmSync(path('shared/dir'), { recursive: true });
    }
    // Not another file of that name.
    copyFileSync(whole, at('common/common.debug'));
    expect(shares().elf).toBeUndefined();
  });

  test('split units by name and folder, and a package', () => {
    const source = at('split/split.c');
    writeFileSync(source, 'int main(int c, char **v) { return c; }\n');
    const cwd = path('split');
    execFileSync('gcc', ['-g', '-gsplit-dwarf', '-gdwarf-5', '-c', 'split.c', '-o', 'split.o'], { cwd });
    execFileSync('gcc', ['split.o', '-o', 'program'], { cwd });
    const { parts: of, files } = parts(path('split/program'));
    const names = (file: typeof of) => file?.main.elf.sections.map(({ name }) => name);
    expect(names(of)).toContain('.debug_info');
    const unit = of?.split?.('split.dwo', cwd, '');
    expect(unit?.elf.sections.map(({ name }) => name)).toContain('.debug_info.dwo');
    // Moved with the program.
    expect(of?.split?.('split.dwo', '/nowhere', '')?.bytes.size).toBe(unit?.bytes.size);
    expect(of?.split?.('other.dwo', cwd, '')).toBeUndefined();
    expect(of?.split?.('program', cwd, '')).toBeUndefined();
    expect(files.takeNotes()).toEqual([`${path('split/program')}: split debug information is missing: other.dwo`]);
    expect(of?.package).toBeUndefined();
  });
});

describe('descriptors', () => {
  test('are few, and files are opened again when they are read', () => {
    const pool = new FilePool(3);
    const files = Array.from({ length: 10 }, (_, i) => {
      writeFileSync(at(`pool/${i}`), `contents of ${i}`);
      return pool.open(path(`pool/${i}`))!;
    });
    expect(openBelow(path('pool'))).toHaveLength(3);
    files.forEach((file, i) => {
      expect(Buffer.from(file.read(12, 1)).toString()).toBe(`${i}`);
    });
    expect(openBelow(path('pool'))).toHaveLength(3);
    pool.closeAll();
    expect(openBelow(path('pool'))).toEqual([]);
  });

  test('a file that was replaced is not read', () => {
    const pool = new FilePool(1);
    writeFileSync(at('pool/old'), 'old');
    const file = pool.open(path('pool/old'))!;
    pool.closeAll();
    rmSync(path('pool/old'));
    expect(() => file.read(0, 1)).toThrow(/is gone/);
    writeFileSync(path('pool/old'), 'other');
    expect(() => file.read(0, 1)).toThrow(/has changed/);
  });

  test('none is left open', () => {
    keepDebug(whole, at(`open/${buildIdPath(id)}`));
    const program = strip(whole, path('open/program'));
    const before = openBelow(path('open/.build-id'));
    lookUp(program, [path('open')]);
    expect(openBelow(path('open/.build-id'))).toEqual(before);
  });
});
