import type { Ext } from '../../protocol/extension.ts';
import { P } from '../../protocol/field.ts';

const EDGES = [0n, 1n, P - 1n, 0xffffffffn, 0x100000000n];

/** A fixed stream of field elements, every fourth one an edge value, so that failures repeat. */
export class Samples {
  #state: bigint;

  constructor(seed: number) {
    this.#state = BigInt(seed) + 0x9e3779b97f4a7c15n;
  }

  /** A number below `limit`. */
  below(limit: number): number {
    return Number(this.#next() % BigInt(limit));
  }

  base(): bigint {
    const draw = this.#next();
    return (draw >> 7n) % 4n === 0n ? EDGES[Number((draw >> 9n) % BigInt(EDGES.length))] : (draw * draw) % P;
  }

  ext(): Ext {
    return [this.base(), this.base()];
  }

  exts(count: number): Ext[] {
    return Array.from({ length: count }, () => this.ext());
  }

  /** Cells of mixed widths, with 0 and 2^32 − 1 among them. */
  cells(count: number): Uint32Array {
    return Uint32Array.from(
      { length: count },
      (_, i) => [0, 0xffffffff, this.below(2 ** 32), this.below(2 ** 20)][i % 4],
    );
  }

  #next(): bigint {
    this.#state = (this.#state * 0xd1342543de82ef95n + 0x2545f4914f6cdd1dn) % 2n ** 64n;
    return (this.#state >> 11n) ^ (this.#state >> 40n);
  }
}
