/** Vectors of the CPU reference backend: plain arrays behind the opaque handles of backend.ts. */
import { ZERO, type Ext } from '../../protocol/extension.ts';
import type { Cells, ExtVec } from './backend.ts';
import { VectorError } from './vector-error.ts';

/** F_p² elements in memory. A consumed or freed vector gives its array up, so that a later use is noticed. */
export class CpuExtVec implements ExtVec {
  readonly length: number;
  #values: Ext[] | undefined;

  constructor(values: Ext[]) {
    this.length = values.length;
    this.#values = values;
  }

  /** The elements, writable in place. @throws VectorError after release. */
  get values(): Ext[] {
    if (this.#values === undefined) throw new VectorError('RELEASED', this.length);
    return this.#values;
  }

  release(): void {
    this.#values = undefined;
  }
}

/** u32 cells in memory. */
export class CpuCells implements Cells {
  readonly length: number;
  #data: Uint32Array | undefined;

  constructor(data: Uint32Array) {
    this.length = data.length;
    this.#data = data;
  }

  /** The cells. @throws VectorError after release. */
  get data(): Uint32Array {
    if (this.#data === undefined) throw new VectorError('RELEASED', this.length);
    return this.#data;
  }

  release(): void {
    this.#data = undefined;
  }
}

/** The CPU vector behind a handle. @throws VectorError for a handle of another backend. */
export function cpuExt(v: ExtVec): CpuExtVec {
  if (!(v instanceof CpuExtVec)) throw new VectorError('FOREIGN', v.length);
  return v;
}

/** The CPU cells behind a handle. @throws VectorError for a handle of another backend. */
export function cpuCells(cells: Cells): CpuCells {
  if (!(cells instanceof CpuCells)) throw new VectorError('FOREIGN', cells.length);
  return cells;
}

/** `length` zeros. */
export function zeroValues(length: number): Ext[] {
  return new Array<Ext>(length).fill(ZERO);
}
