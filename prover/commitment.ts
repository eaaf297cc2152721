/** Roots of oracles: what statements, checkpoints and contracts hold of a base model, data, an adapter and its moments. */
import { oracleStack } from '../commitment/adapter-root.ts';
import { toHex } from '../protocol/bytes.ts';
import { oracleRoot } from '../protocol/instance.ts';
import type { LlamaProgram } from '../protocol/program/llama.ts';
import { packStack } from '../protocol/program/pack.ts';
import type { OracleName } from '../protocol/program/tensors.ts';
import type { RunSpec } from '../protocol/statement.ts';
import type { Backend } from './backend/backend.ts';
import type { CellMap } from './train/engine.ts';

/** A run without what its roots and its trainer add to it. */
export type RunShape = Omit<RunSpec, 'baseRoot' | 'dataRoot' | 'nonce' | 'owner'>;

/** Oracles whose roots stand in statements. */
export type StatedOracle = Exclude<OracleName, 'witness'>;

/**
 * Commits to the cells of one oracle. A segment's `adapterOut` and the next one's `adapterIn` have the same root, and so
 * have the moments.
 *
 * @param backend commits; every backend gives the same root
 * @param run the shape that the root binds
 * @param program any program of the run's shape
 * @param cells natural row-major, by name; those of other oracles are of no matter
 * @returns 64 hexadecimal digits
 * @throws RangeError for cells that are missing or of another number
 */
export async function commitOracle(
  backend: Backend,
  oracle: StatedOracle,
  run: RunShape,
  program: LlamaProgram,
  cells: CellMap,
): Promise<string> {
  const { stack, shape } = oracleStack(program.cells, oracle);
  const uploaded = backend.uploadCells(packStack(stack, cells));
  const matrix = await backend.commitCells(uploaded, shape.logHeight, shape.logInvRate);
  const { root } = matrix;
  backend.release(matrix);
  backend.free(uploaded);
  return toHex(oracleRoot(run, oracle, stack.length, root));
}
