/**
 * The JSON header of a safetensors file, read as exactly what the format allows: an object of tensors, each with dtype,
 * shape and data_offsets, and `__metadata__` of texts. A general JSON reader would take the last of two equal keys, where
 * others take the first, and would build whatever a hostile header holds before anything is refused.
 */

/** Most axes of a tensor. */
const MAX_AXES = 64;

/** A tensor as the header states it, in no particular order; a field that is missing or malformed is undefined. */
export interface Description {
  readonly name: string;
  readonly dtype: string | undefined;
  readonly shape: readonly number[] | undefined;
  /** Relative to the end of the header. */
  readonly offsets: readonly number[] | undefined;
}

/** Makes the error of a problem. */
export type Refusal = (problem: string) => Error;

const FIELDS = ['dtype', 'shape', 'data_offsets'] as const;

class HeaderReader {
  readonly #text: string;
  readonly #refusal: Refusal;
  #at = 0;

  constructor(text: string, refusal: Refusal) {
    this.#text = text;
    this.#refusal = refusal;
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  /** The text from here on, shortened, for messages. */
  near(): string {
    return this.ended() ? 'its end' : JSON.stringify(this.#text.slice(this.#at, this.#at + 40));
  }

  /** Whether nothing but space is left. */
  ended(): boolean {
    this.#skipSpace();
    return this.#at >= this.#text.length;
  }

  broken(expected: string): Error {
    return this.#refusal(`has a header that is not JSON of the format (expected ${expected} at ${this.near()})`);
  }

  /** Whether the next character is this one; then it is taken. */
  take(character: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  expect(character: string): void {
    if (!this.take(character)) throw this.broken(`"${character}"`);
  }

  end(): void {
    if (!this.ended()) throw this.broken('nothing more');
  }

  /** A text in quotes; undefined where none begins. */
  string(): string | undefined {
    this.#skipSpace();
    const begin = this.#at;
    if (this.#text[begin] !== '"') return undefined;
    let end = begin + 1;
    while (end < this.#text.length && this.#text[end] !== '"') end += this.#text[end] === '\\' ? 2 : 1;
    try {
      const value = JSON.parse(this.#text.slice(begin, end + 1)) as string;
      this.#at = end + 1;
      return value;
    } catch {
      throw this.broken('a text in quotes');
    }
  }

  /** A list of exact non-negative integers, at most MAX_AXES; undefined where there is none. */
  integers(): number[] | undefined {
    if (!this.take('[')) return undefined;
    const values: number[] = [];
    if (this.take(']')) return values;
    do {
      this.#skipSpace();
      const integer = /(?:0|[1-9][0-9]{0,15})(?![0-9.eE])/y;
      integer.lastIndex = this.#at;
      const match = integer.exec(this.#text);
      if (match === null || !Number.isSafeInteger(Number(match[0])) || values.length === MAX_AXES) return undefined;
      values.push(Number(match[0]));
      this.#at = integer.lastIndex;
    } while (this.take(','));
    return this.take(']') ? values : undefined;
  }

  /** The members of an object whose "{" is taken. @param owner for messages */
  members(owner: string, visit: (key: string) => void): void {
    if (this.take('}')) return;
    const seen = new Set<string>();
    do {
      const key = this.string();
      if (key === undefined) throw this.broken('a name in quotes');
      if (seen.has(key)) throw this.#refusal(`${owner} has ${JSON.stringify(key)} twice`);
      seen.add(key);
      this.expect(':');
      visit(key);
    } while (this.take(','));
    this.expect('}');
  }

  metadata(): void {
    if (!this.take('{')) throw this.#refusal(`__metadata__: is no object (${this.near()})`);
    this.members('__metadata__', (key) => {
      if (this.string() === undefined) throw this.#refusal(`__metadata__: ${JSON.stringify(key)} is no text`);
    });
  }

  tensor(name: string): Description {
    const refuse = (problem: string): Error => this.#refusal(`${name}: ${problem}`);
    if (!this.take('{')) throw this.ended() ? this.broken('a description') : refuse('has no description');
    let dtype: string | undefined;
    const lists: { shape?: number[] | undefined; data_offsets?: number[] | undefined } = {};
    this.members(name, (key) => {
      const field = FIELDS.find((known) => known === key);
      const near = this.near();
      if (field === undefined) throw refuse(`has ${JSON.stringify(key)}, which the format does not know`);
      if (field === 'dtype') {
        dtype = this.string();
        if (dtype === undefined) throw refuse(`has unknown dtype ${near}`);
        return;
      }
      lists[field] = this.integers();
      if (lists[field] === undefined) throw refuse(`has no valid ${field} (${near})`);
    });
    return { name, dtype, shape: lists.shape, offsets: lists.data_offsets };
  }
}

/**
 * Reads a header's text.
 *
 * @param text of the header
 * @param refusal makes the error to throw
 * @returns every tensor once
 */
export function readHeader(text: string, refusal: Refusal): Description[] {
  const reader = new HeaderReader(text, refusal);
  const tensors: Description[] = [];
  if (!reader.take('{')) throw refusal('has a header that does not begin with "{"');
  reader.members('the header', (name) => {
    if (name === '__metadata__') reader.metadata();
    else tensors.push(reader.tensor(name));
  });
  reader.end();
  return tensors;
}
