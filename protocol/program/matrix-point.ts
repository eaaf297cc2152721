/** Evaluates cells [layer, row, columns …] of a stack a layer at a time, so that nobody needs them all at once. */
import { ONE, ZERO, add, mul, type Ext } from '../extension.ts';
import { contractRows, eqRange, eqTable, innerWeights, type InnerWeights } from '../multilinear.ts';
import { stackStrides, type Placement } from './layout.ts';
import { log2Ceil, type Axis } from './tensors.ts';

/** log₂ of the columns whose weights are summed over doubles, at most. */
const MAX_INNER_BITS = 10;

/** A digit of an axis: a power of two, weighed by coordinates, or one that counts blocks. */
type Digit =
  | { readonly kind: 'lo'; readonly coords: readonly Ext[] }
  | { readonly kind: 'hi'; readonly size: number; readonly stride: number };

/** Where an index, or several columns in a row, lie: blocks away, with a weight inside the block. */
interface Place {
  readonly block: number;
  readonly weight: Ext;
}

/** Digits of axes in their natural order, outermost first. */
export function naturalDigits(placement: Placement, axes: readonly Axis[]): { kind: 'lo' | 'hi'; index: number }[] {
  return axes.flatMap((axis) =>
    (['hi', 'lo'] as const).flatMap((kind) => {
      const index = placement[kind].findIndex((digit) => digit.axis === axis);
      return index < 0 ? [] : [{ kind, index }];
    }),
  );
}

/** Bits of the columns that are summed over doubles at a time: of their innermost digits, up to the first that is odd. */
export function innerBits(placement: Placement, columns: readonly Axis[], cellBits: number): number {
  const digits = naturalDigits(placement, columns).reverse();
  const odd = digits.findIndex(({ kind }) => kind === 'hi');
  const even = odd < 0 ? digits : digits.slice(0, odd);
  const bits = even.reduce((n, { index }) => n + log2Ceil(placement.lo[index].size), 0);
  return Math.min(MAX_INNER_BITS, 31 - cellBits, bits);
}

function places(digits: readonly Digit[]): Place[] {
  return digits.reduce<Place[]>(
    (outer, digit) => {
      if (digit.kind === 'lo') {
        const table = eqTable(digit.coords);
        return outer.flatMap(({ block, weight }) => table.map((w) => ({ block, weight: mul(weight, w) })));
      }
      const steps = Array.from({ length: digit.size }, (_, i) => i * digit.stride);
      return outer.flatMap(({ block, weight }) => steps.map((step) => ({ block: block + step, weight })));
    },
    [{ block: 0, weight: ONE }],
  );
}

/** eq(point, address) over the cells of a placement. */
export class MatrixPoint {
  /** Cells of a row. */
  readonly width: number;
  /** eq of each block's address. */
  readonly #blocks: readonly Ext[];
  readonly #layers: readonly Place[];
  readonly #rows: readonly Place[];
  /** Of #inner's columns at a time. */
  readonly #columns: readonly Place[];
  readonly #inner: InnerWeights;

  /**
   * @param placement of cells with axes [layer, row, columns …]
   * @param point one coordinate per address bit of the stack
   * @param cellBits bits that a cell has
   * @throws RangeError for cells of other axes, or of more than 31 bits
   */
  constructor(placement: Placement, point: readonly Ext[], cellBits: number) {
    const [layer, row, ...columns] = placement.cells.axes;
    if (columns.length === 0 || cellBits > 31)
      throw new RangeError(`cells ${placement.cells.name} are no matrices of at most 31 bits a cell`);
    this.width = columns.reduce((n, { size }) => n * size, 1);
    this.#blocks = eqRange(point.slice(placement.loBits), placement.base / 2 ** placement.loBits, placement.blocks);
    const strides = stackStrides(placement);
    const digits = (axes: readonly Axis[]): Digit[] =>
      naturalDigits(placement, axes).map(({ kind, index }): Digit => {
        const { size } = placement[kind][index];
        if (kind === 'hi') return { kind, size, stride: strides.hi[index] / 2 ** placement.loBits };
        const at = log2Ceil(strides.lo[index]);
        return { kind, coords: point.slice(at, at + log2Ceil(size)) };
      });
    this.#layers = places(digits([layer]));
    this.#rows = places(digits([row]));
    const outer = digits(columns);
    const inner: Ext[] = [];
    for (let missing = innerBits(placement, columns, cellBits); missing > 0;) {
      const last = outer.pop();
      if (last?.kind !== 'lo') throw new RangeError('the innermost columns have no power-of-two digit');
      const taken = last.coords.slice(0, missing);
      inner.push(...taken);
      missing -= taken.length;
      if (taken.length < last.coords.length) outer.push({ kind: 'lo', coords: last.coords.slice(taken.length) });
    }
    this.#columns = places(outer);
    this.#inner = innerWeights(eqTable(inner));
  }

  /** Σ eq·cell over one layer. @param cells [row, columns …], row-major */
  evaluate(layer: number, cells: Int32Array): Ext {
    const first = this.#layers[layer];
    return this.#rows.reduce((sum, { block, weight }, row) => {
      const start = first.block + block;
      const ofRow = mul(first.weight, weight);
      const outer = this.#columns.map((column) => mul(ofRow, mul(column.weight, this.#blocks[start + column.block])));
      const own = cells.subarray(row * this.width, (row + 1) * this.width);
      return add(sum, contractRows(own, outer, this.#inner));
    }, ZERO);
  }
}
