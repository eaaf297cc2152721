/** `./zklora commit`. */
import { commitOracle } from '../commitment.ts';
import { openBackend, type BackendChoice } from '../compute.ts';
import { readArchitecture } from '../model/config.ts';
import { readBase } from '../train/new-run.ts';
import { runConfig } from '../train/run-config.ts';
import { runShape, shapeProgram } from '../train/run-shape.ts';

export interface CommitRequest {
  readonly model: string;
  /** Default: that of runs. */
  readonly frozen?: number;
  readonly backend: BackendChoice;
  readonly json: boolean;
}

// The base root binds nothing of these.
const NO_TOKENIZER = { digest: new Uint8Array(32), bos: 0, eos: 0 };

/**
 * Prints the base root of a model. It depends on the model, the quantisation rule and widths.frozen alone.
 *
 * @throws the errors of model files; RunConfigError for a width out of range
 */
export async function commitCommand({ model, frozen, backend, json }: CommitRequest): Promise<void> {
  const architecture = await readArchitecture(model);
  const config = runConfig(frozen === undefined ? {} : { widths: { frozen } });
  const shape = runShape(config, architecture, NO_TOKENIZER, config.batch);
  const program = shapeProgram(shape);
  const base = await readBase(model, architecture, program);
  const opened = await openBackend(backend);
  const baseRoot = await commitOracle(opened, 'base', shape, program, base);
  opened.close();
  const { quantisation, widths } = shape;
  const facts = { baseRoot, quantisation, frozen: widths.frozen, model: shape.model };
  process.stdout.write(json ? `${JSON.stringify(facts)}\n` : `${baseRoot}\n`);
}
