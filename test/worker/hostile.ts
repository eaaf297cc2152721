/** Bodies as somebody sends them who means harm, or whose disk is broken: from real ones, by a generator with a seed. */
import { ascii, concat, u32 } from '../../protocol/bytes.ts';
import { HEADER_BYTES } from '../../protocol/instance.ts';

export type Bytes = Uint8Array<ArrayBuffer>;

/** Numbers from 0 to below 1, the same for the same seed (splitmix32). */
export function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return ((z ^ (z >>> 16)) >>> 0) / 2 ** 32;
  };
}

const HOSTILE_VALUES: readonly unknown[] = [
  ...[0, -1, 1, 2, 3, 7, 255, 256, 2 ** 16, 2 ** 24, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 1e308, 0.5, -0],
  ...['', '0', '1e-08', '-1', 'NaN', 'x'.repeat(5000), '\u0000', 'é', '0x', '__proto__', 'constructor', '../../etc'],
  ...[null, true, false, [], {}, [[]], [null], { __proto__: 1 }, Array(2000).fill(0), { length: 2 ** 32 }],
];

export class Hostile {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = generator(seed);
  }

  /** A whole number from 0 to below n. */
  below(n: number): number {
    return Math.floor(this.#random() * n);
  }

  pick<T>(of: readonly T[]): T {
    return of[this.below(of.length)];
  }

  bytes(length: number): Bytes {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  /** Some bytes changed: a bit, a byte, a word of the largest number, a run of zeros. */
  flipped(of: Bytes): Bytes {
    const out = of.slice();
    for (let times = 1 + this.below(3); times > 0; times--) {
      const at = this.below(out.length);
      const length = this.pick([1, 1, 1, 8, 32, 1 + this.below(1000)]);
      const how = this.below(4);
      for (let i = at; i < Math.min(out.length, at + length); i++)
        out[i] = [out[i] ^ (1 << this.below(8)), this.below(256), 255, 0][how];
    }
    return out;
  }

  /** Cut, or with more behind it. */
  resized(of: Bytes): Bytes {
    if (this.below(3) > 0) return of.slice(0, this.below(of.length));
    return Uint8Array.from(concat(of, this.bytes(1 + this.below(2000))));
  }

  /** Parts of two. */
  spliced(a: Bytes, b: Bytes): Bytes {
    const at = this.below(Math.min(a.length, b.length));
    const shift = this.pick([0, 0, 8, 16, 32, 1]);
    return Uint8Array.from(concat(a.subarray(0, at), b.subarray(Math.min(b.length, at + shift))));
  }

  random(): Bytes {
    const length = this.pick([1, 4, 7, 8, 9, 100, 2000, 20_000]);
    const front = this.pick([
      [],
      ascii('zkLR'),
      concat(ascii('zkLR'), u32(this.pick([0, 1, length, 2 ** 18, 2 ** 32 - 1]))),
    ]);
    return Uint8Array.from(concat(Uint8Array.from(front), this.bytes(length)));
  }

  /** A value somewhere within, made hostile. */
  #spoiled(value: unknown): unknown {
    if (this.below(4) > 0 && typeof value === 'object' && value !== null) {
      const entries = Object.entries(value);
      if (entries.length > 0) {
        const at = this.below(entries.length);
        const [key, inner] = entries[at] as [string, unknown];
        const how = this.below(12);
        if (how === 0) entries.splice(at, 1);
        else if (how === 1) entries[at] = [this.pick(['x', '__proto__', '', key.toUpperCase()]), inner];
        else entries[at] = [key, this.#spoiled(inner)];
        return Array.isArray(value) ? entries.map(([, each]) => each as unknown) : Object.fromEntries(entries);
      }
    }
    return typeof value === 'number' && this.below(3) === 0
      ? value * this.pick([2, 4, 64, 1024, -1])
      : this.pick(HOSTILE_VALUES);
  }

  /** JSON made hostile: a value of it, or its text. */
  json(text: string): string {
    const how = this.below(10);
    if (how < 7) {
      let value: unknown = JSON.parse(text);
      for (let times = 1 + this.below(2); times > 0; times--) value = this.#spoiled(value);
      return JSON.stringify(value) ?? 'null';
    }
    if (how === 7) return '['.repeat(1 + this.below(50_000));
    if (how === 8) return text.replace(/^\{/, `{${text.slice(1, 2 + this.below(300))},`);
    return new TextDecoder('latin1').decode(this.flipped(Uint8Array.from(ascii(text))));
  }

  /** A proof whose statement was made hostile, its length told rightly. */
  stated(proof: Bytes): Bytes {
    const length = new DataView(proof.buffer).getUint32(4);
    const text = new TextDecoder().decode(proof.subarray(HEADER_BYTES, HEADER_BYTES + length));
    const statement = new TextEncoder().encode(this.json(text));
    const rest = this.below(3) === 0 ? proof.subarray(HEADER_BYTES + length) : this.bytes(this.below(200));
    return Uint8Array.from(concat(ascii('zkLR'), u32(statement.length), statement, rest));
  }

  /** A safetensors file that was made hostile. */
  tensors(header: string, data: Bytes): Bytes {
    const text = new TextEncoder().encode(this.below(3) === 0 ? header : this.json(header));
    const front = new Uint8Array(8);
    const length = this.pick([text.length, text.length, text.length, text.length + 1, 0, 8, 2 ** 31, 2 ** 53]);
    new DataView(front.buffer).setBigUint64(0, BigInt(length), true);
    const whole = Uint8Array.from(concat(front, text, data));
    return this.pick([() => whole, () => this.flipped(whole), () => this.resized(whole)])();
  }
}
