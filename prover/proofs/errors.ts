/** What can go wrong around finished proofs. */
import { ProverError } from '../errors.ts';

/** A run has no proofs where some are needed, or not all. */
export class NoProofsError extends ProverError {
  readonly folder: string;

  constructor(folder: string, problem: string, next: string) {
    super(`${folder}: ${problem}`, next);
    this.folder = folder;
  }
}

/** zklora.json of an adapter directory is missing or malformed. */
export class ProvenanceError extends ProverError {
  readonly file: string;

  constructor(file: string, problem: string) {
    super(
      `${file}: ${problem}`,
      'Name the directory that holds it and adapter_model.safetensors; ./zklora prove RUN writes it there.',
    );
    this.file = file;
  }
}

/** The service has no attestation for a run. */
export class NotAttestedError extends ProverError {
  readonly runId: string;

  constructor(runId: string, problem: string, next: string) {
    super(`run ${runId}: ${problem}`, next);
    this.runId = runId;
  }
}
