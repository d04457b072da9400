/** What is said of files that could not be used, each once. */

const MAX_TOLD = 1000;

export class Notes {
  readonly #told = new Set<string>();
  #fresh: string[] = [];

  /** `about` is a file as its owner sees it; `reason` reads on after "path: ". */
  add(about: string, reason: string): void {
    if (this.#told.has(about) || this.#told.size >= MAX_TOLD) return;
    this.#told.add(about);
    this.#fresh.push(`${about}: ${reason}`);
  }

  /** What is new since the last call. */
  take(): string[] {
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh;
  }
}
