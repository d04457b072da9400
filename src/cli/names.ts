/** Names for what was recorded, from debug files, too. */
import { DebugFiles } from '../debug-files/debug-files.ts';
import { debuginfodOfEnvironment } from '../debug-files/debuginfod.ts';
import type { Profile } from '../model/profile.ts';
import { nameProfile, type Sampling } from '../naming.ts';
import type { MappedCode } from '../process/code.ts';
import { LineIndexes } from '../symbolize/lines/line-indexes.ts';
import type { RawProfile } from '../window.ts';

/** Who records waits no longer than this for servers of debug files. */
const FETCH_MS = 30_000;

/** `folders`: where debug files are, besides where they usually are. `notes`: those that could not be used. */
export async function nameWithDebugFiles(
  raw: RawProfile,
  code: readonly MappedCode[],
  sampling: Sampling,
  folders: readonly string[],
): Promise<{ profile: Profile; notes: readonly string[] }> {
  const debugFiles = new DebugFiles({ folders, debuginfod: debuginfodOfEnvironment() });
  const lineIndexes = new LineIndexes();
  try {
    await debugFiles.prepare(code, FETCH_MS);
    const profile = nameProfile(raw, code, sampling, debugFiles, lineIndexes);
    lineIndexes.save(true);
    return { profile, notes: debugFiles.takeNotes() };
  } finally {
    lineIndexes.close();
    debugFiles.close();
  }
}
