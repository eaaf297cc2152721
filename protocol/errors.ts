/**
 * The errors of the protocol. Each class carries what happened as data; `code` is stable and may be shown or mapped to
 * a status by a service. No other error leaves `verify`.
 */

/** Anything that a statement, a proof or a commitment can be refused for. */
export class ProtocolError extends Error {
  /** Stable, in capitals with underscores. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** Bytes that are no encoding of the expected object. */
export class DecodeError extends ProtocolError {
  /** Offset of the first byte that is wrong, or where bytes were missing. */
  readonly offset: number;
  /** The field being read, as a path from the outermost object. */
  readonly field: string;

  constructor(code: string, field: string, offset: number, message: string) {
    super(code, `${field} at byte ${offset}: ${message}`);
    this.field = field;
    this.offset = offset;
  }
}

/** Where and how a check failed. */
export interface VerificationDetails {
  /** The argument (sumcheck, lookup, opening, …) whose check failed. */
  readonly argument: string;
  /** The round, counted from 0, where the argument has rounds. */
  readonly round?: number;
  readonly expected?: string;
  readonly actual?: string;
}

/** A well-formed proof that doesn't prove its statement, or a statement below the required security. */
export class VerificationError extends ProtocolError {
  readonly argument: string;
  readonly round: number | undefined;
  readonly expected: string | undefined;
  readonly actual: string | undefined;

  constructor(code: string, message: string, details: VerificationDetails) {
    super(code, message);
    this.argument = details.argument;
    this.round = details.round;
    this.expected = details.expected;
    this.actual = details.actual;
  }
}

/** Why a Merkle multi-proof was refused. */
export type MerkleErrorCode =
  'MERKLE_EMPTY' | 'MERKLE_INDEX' | 'MERKLE_ORDER' | 'MERKLE_SIBLINGS' | 'MERKLE_DIGEST' | 'MERKLE_ROOT';

/** A multi-proof that doesn't lead to its root. */
export class MerkleError extends ProtocolError {
  declare readonly code: MerkleErrorCode;

  constructor(code: MerkleErrorCode, message: string) {
    super(code, message);
  }
}
