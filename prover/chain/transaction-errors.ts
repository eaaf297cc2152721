/** What can become of a transaction other than being mined. Each error names the transaction and how to go on. */
import type { Address, Hash } from 'viem';

import { ProverError } from '../errors.ts';

/** Nobody was named who sends the transaction, or signs. */
export class NoSenderError extends ProverError {
  constructor(problem: string) {
    super(
      problem,
      'Set ZKLORA_PRIVATE_KEY to the key of the run’s owner, name an account of the node by --account, or write the transaction to a file by --unsigned and sign it elsewhere.',
    );
  }
}

/** The time to wait is over, and the transaction is neither mined nor replaced. */
export class StillPendingError extends ProverError {
  /** Undefined where a node signed it and its answer was lost. */
  readonly hash: Hash | undefined;
  readonly sender: Address;
  readonly nonce: number;
  /** Nonces of the sender below this one are used. */
  readonly nextNonce: number;

  constructor(
    about: { hash: Hash | undefined; sender: Address; nonce: number; nextNonce: number },
    seconds: number,
    kept: boolean,
  ) {
    const { hash, sender, nonce, nextNonce } = about;
    const before = nonce - nextNonce;
    const why =
      before > 0
        ? `; ${before === 1 ? `the transaction with nonce ${nextNonce}` : `those with nonces ${nextNonce} to ${nonce - 1}`} of ${sender} must be mined first`
        : '';
    super(
      `transaction ${hash ?? '(sent by the node)'} with nonce ${nonce} is not mined after ${seconds} s${why}`,
      (kept
        ? 'Nothing is lost: the same command goes on with the same transaction, and with --bump raises its fee.'
        : 'It may still be mined: look it up before you send it again.') +
        (before > 0 ? ` Send or speed up the earlier ones from the wallet of ${sender}.` : ''),
    );
    this.hash = hash;
    this.sender = sender;
    this.nonce = nonce;
    this.nextNonce = nextNonce;
  }
}

/** Another transaction of the sender has taken the nonce, so that this one can't be mined any more. */
export class ReplacedError extends ProverError {
  readonly hash: Hash | undefined;
  /** Which took the nonce; null where the node doesn't tell. */
  readonly by: Hash | null;
  readonly how: 'cancelled' | 'replaced';

  constructor(how: 'cancelled' | 'replaced', hash: Hash | undefined, nonce: number, by: Hash | null) {
    const ours = hash ?? '(sent by the node)';
    const again = 'If that was not meant, or to try again, run the command with --again: it sends a new transaction.';
    super(
      by === null
        ? `nonce ${nonce} of transaction ${ours} was used by another that the node can't name any more`
        : `transaction ${ours} was ${how}: ${by} of the same account took its nonce ${nonce}, so it did nothing`,
      by === null ? `It may be the same call, sent again by a wallet: see with ./zklora check. ${again}` : again,
    );
    this.hash = hash;
    this.by = by;
    this.how = how;
  }
}

/** An earlier transaction for the same was mined and reverted. */
export class RevertedBeforeError extends ProverError {
  readonly hash: Hash;

  constructor(hash: Hash) {
    super(
      `transaction ${hash}, sent for this before, was mined and reverted, so it did nothing`,
      'To try again, run the command with --again: it sends a new transaction.',
    );
    this.hash = hash;
  }
}

/** A transaction for the same is on its way already. */
export class AlreadySentError extends ProverError {
  readonly file: string;

  constructor(file: string, problem: string) {
    super(problem, `It is kept in ${file}. Run the command without --signed to go on with it.`);
    this.file = file;
  }
}

/** The node took no notice of a signed transaction, or said no to it. */
export class BroadcastError extends ProverError {
  readonly hash: Hash | undefined;
  /** The node has another transaction of this nonce, with a fee that is not a tenth lower. */
  readonly outbid: boolean;

  constructor(hash: Hash | undefined, reason: string, next: string, options?: ErrorOptions) {
    super(`the node did not take transaction ${hash ?? '(signed by itself)'}: ${reason}`, next, options);
    this.hash = hash;
    this.outbid = /replacement/i.test(reason);
  }
}

/** What is signed is not the transaction that the command means. */
export class SignedTransactionError extends ProverError {
  /** The field that differs, or `format`. */
  readonly field: string;

  constructor(field: string, problem: string, next?: string) {
    super(
      `the signed transaction is not sent: ${problem}`,
      next ?? 'Write the transaction with --unsigned, sign that one, and give it with the same other options.',
    );
    this.field = field;
  }
}

/** A file that this program wrote is damaged, or was made for something else. */
export class ChainFileError extends ProverError {
  readonly file: string;

  constructor(file: string, problem: string, next: string, options?: ErrorOptions) {
    super(`${file}: ${problem}`, next, options);
    this.file = file;
  }
}
