/** The root of an adapter, from the bytes of its file: what statements, attestations and contracts hold of it. */
import { toHex } from '../protocol/bytes.ts';
import { oracleRoot } from '../protocol/instance.ts';
import { codeShape, type CodeShape } from '../protocol/parameters.ts';
import { stackOf, type Stack } from '../protocol/program/layout.ts';
import { packStack } from '../protocol/program/pack.ts';
import type { Cells, OracleName } from '../protocol/program/tensors.ts';
import type { RunSpec } from '../protocol/statement.ts';
import { ADAPTER_WEIGHTS, decodeAdapter } from './adapter-file.ts';
import { adapterCells, adapterProgram } from './chains.ts';
import { encodedRoot } from './root.ts';

/** Where an oracle's cells lie and how they are encoded. */
export function oracleStack(cells: readonly Cells[], oracle: OracleName): { stack: Stack; shape: CodeShape } {
  const stack = stackOf(cells.filter((c) => c.oracle === oracle));
  return { stack, shape: codeShape(oracle, stack.length) };
}

/**
 * The root of the adapter in a safetensors file. See cost.ts for what it takes.
 *
 * @param bytes of adapter_model.safetensors
 * @param run the run that the adapter is said to come from, as `parseRun` or a statement gives it
 * @param file name, for errors
 * @returns 64 hexadecimal digits; that of the run's last `adapterOut` if the file is its adapter
 * @throws TensorFileError for bytes that are no safetensors file; AdapterError for weights that are not of the run's
 * shape, or not multiples of 2^-22 in [−4, 4)
 */
export function adapterRootOfFile(bytes: Uint8Array, run: RunSpec, file: string = ADAPTER_WEIGHTS): string {
  const adapter = decodeAdapter(bytes, run.model, run.lora, file);
  const program = adapterProgram(run);
  const { stack, shape } = oracleStack(program.cells, 'adapterIn');
  const packed = packStack(stack, adapterCells(program, adapter));
  return toHex(oracleRoot(run, 'adapterIn', stack.length, encodedRoot(packed, shape.logHeight, shape.logInvRate)));
}
