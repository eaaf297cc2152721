/**
 * What an adapter's root takes, from its run alone, so that a service can refuse before the work.
 *
 * One unit is one compression of SHA-256 or 32 multiplications of the field's transform. Over adapters of 0.04 to 2 MB a
 * unit takes 0.5 to 0.6 µs of CPU time in Node 24 on an AMD EPYC (bench/adapter-root.ts).
 */
import type { RunSpec } from '../protocol/statement.ts';
import { oracleStack } from './adapter-root.ts';
import { adapterProgram } from './chains.ts';
import { leafBlocks } from './root.ts';

/** Multiplications of the transform, with the moving of its data, that take as long as one compression. */
const MULTIPLICATIONS_A_UNIT = 32;

/** Reading a weight, cutting it into cells and packing them, in multiplications a cell. */
const MOVES_A_CELL = 8;

/** Compressions of a node: 64 bytes, and a block of padding. */
const NODE_BLOCKS = 2;

/**
 * An upper bound on the work of `adapterRootOfFile`, in units of about 0.6 µs (see above). The bytes of the header are
 * not counted; the file's digests take 1 unit for every 64 bytes hashed.
 *
 * @param run a valid one, as `parseRun` gives it; a hostile one may cost up to 2^56
 */
export function adapterRootCost(run: RunSpec): number {
  const { cells, height, columns, cosets, logHeight } = shapeOf(run);
  const leaves = cosets * height;
  const compressions = leaves * leafBlocks(columns) + leaves * NODE_BLOCKS;
  // A layer multiplies half of a column; the factors of each coset are multiplied once, and those of all at the start.
  const multiplications = columns * cosets * (height / 2) * (logHeight + 2) + (cosets + 2) * 2 * height;
  return compressions + Math.ceil((multiplications + MOVES_A_CELL * cells) / MULTIPLICATIONS_A_UNIT);
}

/**
 * An upper bound on the memory that `adapterRootOfFile` takes at a time beside the file itself, bytes.
 * @param run a valid one, as `parseRun` gives it
 */
export function adapterRootMemory(run: RunSpec): number {
  const { cells, weights, height, cosets } = shapeOf(run);
  // Weights as float32 (one matrix, at most all), int32 and the float64 of a chain; cells by name and packed.
  const natural = weights * (4 + 4 + 4 + 8) + 8 * cells;
  // lo, hi and factors, a block of every row, and one digest for every level of cosets that waits for its sibling.
  const encoding = height * (16 + 64 + 64 + 32 * (Math.log2(cosets) + 2));
  return natural + encoding;
}

function shapeOf(run: RunSpec) {
  const program = adapterProgram(run);
  const { stack, shape } = oracleStack(program.cells, 'adapterIn');
  const limbs = program.chains[0].parts.filter((part) => part.cells.oracle === 'adapterIn').length;
  return {
    cells: stack.length,
    weights: stack.length / limbs,
    logHeight: shape.logHeight,
    height: 2 ** shape.logHeight,
    columns: shape.columns,
    cosets: 2 ** shape.logInvRate,
  };
}
