/**
 * An error that a person can act on: the command line prints its message and `next`, without a stack.
 * Subclasses carry what happened as data.
 */
export class ProverError extends Error {
  /** What to do about it, in one or a few full sentences or commands. */
  readonly next: string;

  constructor(message: string, next: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.next = next;
  }
}
