/** Why a file of tensors has no root. */

/** Longest account of a problem, characters: a hostile file chooses the names in it. */
const MAX_PROBLEM = 1000;

/** A file that cannot be committed to. Its name says which file was read; a person can act on `next`. */
export class CommitmentError extends Error {
  readonly file: string;
  readonly problem: string;
  /** What to do about it, in one or a few full sentences. */
  readonly next: string;

  /**
   * @param file path or name
   * @param problem what is wrong with it
   * @param next what to do
   */
  constructor(file: string, problem: string, next: string) {
    const told = problem.length > MAX_PROBLEM ? `${problem.slice(0, MAX_PROBLEM)}…` : problem;
    super(`${file}: ${told}`);
    this.name = new.target.name;
    this.file = file;
    this.problem = told;
    this.next = next;
  }
}

/** A safetensors file, or its index, breaks the format or lacks what is asked of it. */
export class TensorFileError extends CommitmentError {
  constructor(
    file: string,
    problem: string,
    next = 'Download or save the file again; it must be a complete safetensors file.',
  ) {
    super(file, problem, next);
  }
}

/** An adapter is not one that this project's training could have written. */
export class AdapterError extends CommitmentError {
  constructor(
    file: string,
    problem: string,
    next = 'Give the adapter directory as it was written, without conversion or merging.',
  ) {
    super(file, problem, next);
  }
}
