/** Wakes those who wait when it rings. */
export class Bell {
  #waiting: (() => void)[] = [];

  ring(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  /** Resolves at the next ring. */
  wait(): Promise<void> {
    return new Promise(resolve => this.#waiting.push(resolve));
  }
}
