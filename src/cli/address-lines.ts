/** Addresses from text that comes in pieces: one a line, hexadecimal, with or without 0x. */

/** What of a line has been seen. */
const State = {
  /** Blanks at most. */
  start: 0,
  /** A zero, behind which an x may come. */
  zero: 1,
  /** 0x, behind which a digit has to come. */
  prefix: 2,
  digits: 3,
  /** The address, and a blank: the rest does not matter. */
  rest: 4,
  bad: 5,
} as const;

/** 64 bits. */
const maxDigits = 16;
const newline = 0x0a;

/** The value of a hexadecimal digit, −1 for other bytes. */
function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** Space, tab, carriage return. */
function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d;
}

/** Reads lines of any length in the same memory: of a line that goes on in the next piece it keeps a few numbers. */
export class AddressLines {
  #state: number = State.start;
  #high = 0;
  #low = 0;
  #digits = 0;
  #isEmpty = true;

  /** The addresses of the lines that end in this piece, as signed doubles; NaN for a line that is no address. */
  push(piece: Uint8Array): Float64Array {
    const addresses = new Float64Array(piece.length);
    let length = 0;
    for (const byte of piece) {
      if (byte === newline) addresses[length++] = this.#take();
      else this.#step(byte);
    }
    return addresses.subarray(0, length);
  }

  /** The address of a last line without its newline; nothing where there is none. */
  end(): Float64Array {
    return this.#isEmpty ? new Float64Array(0) : Float64Array.of(this.#take());
  }

  #step(byte: number): void {
    this.#isEmpty = false;
    const state = this.#state;
    if (state === State.bad || state === State.rest) return;
    const digit = digitOf(byte);
    if (digit >= 0) this.#digit(digit);
    else if (isBlank(byte))
      this.#state = state === State.start ? state : state === State.prefix ? State.bad : State.rest;
    else this.#state = state === State.zero && (byte | 0x20) === 0x78 ? State.prefix : State.bad;
  }

  #digit(digit: number): void {
    this.#state = this.#state === State.start && digit === 0 ? State.zero : State.digits;
    this.#high = (this.#high << 4) | (this.#low >>> 28);
    this.#low = (this.#low << 4) | digit;
    if (this.#digits > 0 || digit > 0) this.#digits++;
    if (this.#digits > maxDigits) this.#state = State.bad;
  }

  #take(): number {
    const isAddress = this.#state === State.zero || this.#state === State.digits || this.#state === State.rest;
    const address = isAddress ? (this.#high | 0) * 2 ** 32 + (this.#low >>> 0) : Number.NaN;
    this.#state = State.start;
    this.#high = this.#low = this.#digits = 0;
    this.#isEmpty = true;
    return address;
  }
}

/** The address that a text is, NaN when it is none. */
export function parseAddressText(text: string): number {
  const lines = new AddressLines();
  lines.push(Buffer.from(text));
  return lines.end()[0] ?? Number.NaN;
}
