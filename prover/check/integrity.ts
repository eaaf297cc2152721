/** Integrity: is the file the committed adapter? */
import { adapterCells } from '../../commitment/chains.ts';
import { AdapterError } from '../../commitment/errors.ts';
import type { RunSpec } from '../../protocol/statement.ts';
import type { Backend } from '../backend/backend.ts';
import { commitOracle } from '../commitment.ts';
import { readAdapter } from '../model/adapter.ts';
import type { Provenance } from '../proofs/provenance.ts';
import { shapeProgram } from '../train/run-shape.ts';
import { no, yes, type Answer } from './answers.ts';

/** The root of the weights in a PEFT directory, 64 hexadecimal digits. @throws AdapterError for other weights than the run's */
export async function adapterRootOf(backend: Backend, directory: string, run: RunSpec): Promise<string> {
  const adapter = await readAdapter(directory, run.model, run.lora);
  const program = shapeProgram(run);
  return commitOracle(backend, 'adapterIn', run, program, adapterCells(program, adapter));
}

/** The answer, and the root of the file as it is; null where the file is no adapter of the run. */
export async function integrity(
  backend: Backend,
  directory: string,
  claim: Provenance,
): Promise<{ answer: Answer; root: string | null }> {
  let root: string;
  try {
    root = await adapterRootOf(backend, directory, claim.run);
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    return { answer: no(error.message), root: null };
  }
  const evidence = { 'root of the file': root, 'root of the run': claim.adapterRoot };
  if (root !== claim.adapterRoot)
    return { answer: no('the weights are not those of the run’s final adapter', evidence), root };
  return { answer: yes(evidence), root };
}
