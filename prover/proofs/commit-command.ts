/** `./zklora commit`. */
import { commitOracle } from '../commitment.ts';
import { openBackend, type BackendChoice } from '../compute.ts';
import { readArchitecture } from '../model/config.ts';
import { QUANTISATION_RULE } from '../model/quantise.ts';
import { readBase } from '../train/new-run.ts';
import { runConfig } from '../train/run-config.ts';
import { exampleShape, shapeProgram } from '../train/run-shape.ts';

export interface CommitRequest {
  readonly model: string;
  readonly frozen?: number;
  readonly backend: BackendChoice;
  readonly json: boolean;
}
