/** What the agent says: one line each on standard error, for people or for machines. */

export const LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type Level = (typeof LEVELS)[number];

export interface LogOptions {
  readonly level: Level;
  readonly format: 'text' | 'json';
}

export interface Log extends Readonly<Record<Level, (message: string) => void>> {
  /** From now on. */
  configure(options: LogOptions): void;
}

/** What went wrong, in a sentence. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function openLog(options: LogOptions, write = (line: string) => void process.stderr.write(line)): Log {
  let { level, format } = options;
  const at = (of: Level) => (message: string) => {
    if (LEVELS.indexOf(of) > LEVELS.indexOf(level)) return;
    const time = new Date().toISOString();
    const line = message.replace(/\s*\n\s*/g, ' ');
    write(format === 'json' ? `${JSON.stringify({ time, level: of, message: line })}\n` : `${time} ${of}: ${line}\n`);
  };
  const configure = (changed: LogOptions) => {
    ({ level, format } = changed);
  };
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug'), configure };
}
