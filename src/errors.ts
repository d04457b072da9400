/** What the process exits with. */
export const ExitCode = {
  ok: 0,
  /** Something failed while recording. */
  failure: 1,
  /** The command line asks for something that does not exist or contradicts itself. */
  usage: 2,
  /** `diff --fail-on`: the head is slower than a rule allows. */
  regressed: 3,
  /** `diff --fail-on --strict`: whether it is could not be told. */
  inconclusive: 4,
  /** The kernel or the user's rights do not allow it; `profiler doctor` says what to do. */
  notPermitted: 5,
  /** No such process, thread or cgroup. */
  noTarget: 6,
  /** At least one output could not be written. */
  output: 7,
  /** `record -- CMD`: no such command, as shells say it. */
  commandNotFound: 127,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** A failure that the user can do something about: one sentence with the cause, one with the next step. */
export class ProfilerError extends Error {
  override readonly name = 'ProfilerError';
  /** Stable, for programs: `no-such-process`, `not-permitted`, … */
  readonly code: string;
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;

  constructor(code: string, message: string, options: { hint?: string; exitCode?: ExitCode; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? ExitCode.failure;
  }
}

/** The `code` of a Node.js system error (`ENOENT`), or ''. */
export function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
