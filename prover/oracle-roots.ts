/** Roots of what a run declares before its first step: the base model and the data. */
import { codeShape } from '../protocol/parameters.ts';
import { stackOf } from '../protocol/program/layout.ts';
import type { LlamaProgram } from '../protocol/program/llama.ts';
import { commitmentRoot, shapeDigest, type RunSpec } from '../protocol/statement.ts';
import { toHex } from '../protocol/bytes.ts';
import type { Backend } from './backend/backend.ts';
import { packCells } from './pack.ts';
import type { CellMap } from './train/engine.ts';

/** A run without what its roots and its trainer add to it. */
export type RunShape = Omit<RunSpec, 'baseRoot' | 'dataRoot' | 'nonce' | 'owner'>;

/**
 * The root of one oracle's cells, without random rows.
 *
 * @param oracle base or data
 * @param program any program of the run's shape
 * @param cells natural row-major, by name
 * @returns 64 hexadecimal digits
 */
export async function oracleRoot(
  backend: Backend,
  oracle: 'base' | 'data',
  run: RunShape,
  program: LlamaProgram,
  cells: CellMap,
): Promise<string> {
  const stack = stackOf(program.cells.filter((c) => c.oracle === oracle));
  const { logHeight, logInvRate } = codeShape(oracle, stack.length);
  const uploaded = backend.uploadCells(packCells(stack, cells));
  const matrix = await backend.commitCells(uploaded, logHeight, logInvRate);
  const { columns, root } = matrix;
  backend.release(matrix);
  backend.free(uploaded);
  const header = { kind: oracle, logHeight, columns, randomRows: 0, logInvRate, shape: shapeDigest(run, oracle) };
  return toHex(commitmentRoot(header, root));
}
