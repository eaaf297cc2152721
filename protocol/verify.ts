/**
 * The verifier. One function from bytes to a verdict: no I/O, no clock, no randomness. Reads in step with prover/prove.ts.
 */
import { TransparentContext, type VerifierContext } from './context.ts';
import { DecodeError, VerificationError } from './errors.ts';
import { ascii, equalBytes, toHex } from './bytes.ts';
import { ProofReader, type LogEntry } from './channel.ts';
import { CODE_HASH } from './code-hash.ts';
import { costOfShape, type Stage } from './cost.ts';
import { sha256 } from './hash.ts';
import {
  HEADER_BYTES,
  circuitOf,
  committedOracles,
  completeInstance,
  instanceSoundness,
  isMagic,
  knownValue,
  oracleRoot,
  proofHeader,
  statedRoot,
  type Instance,
  type StatedCircuit,
} from './instance.ts';
import { drawLookup, verifyLookup } from './arguments/lookup.ts';
import { verifyOneHot } from './arguments/onehot.ts';
import { verifyOpening } from './arguments/opening.ts';
import { verifyRelations } from './arguments/relations.ts';
import { verifyCode, type CodeOpening } from './arguments/code.ts';
import { PROTOCOL, codeShape } from './parameters.ts';
import { Progress, type ProgressObserver } from './progress.ts';
import { decodeStatement, runId, statementHash, type Statement } from './statement.ts';
import { MAX_STATEMENT_BYTES } from './statement-schema.ts';
import { isStartOracle } from './program/start.ts';
import type { OracleName } from './program/tensors.ts';

/** This verifier. The version changes with every change of what it accepts. */
export const VERIFIER = { id: 'zklora-verifier', version: '0.1.0', codeHash: CODE_HASH } as const;

/** 32 bytes over id, version, protocol and the hash of the sources: what attestations and contracts hold. */
export function verifierDigest(): Uint8Array {
  const { id, version, codeHash } = VERIFIER;
  return sha256(ascii(`zklora/verifier/v2 ${id} ${version} ${PROTOCOL} ${codeHash}`));
}

export interface VerifiedProof {
  readonly statement: Statement;
  readonly statementHash: Uint8Array;
  readonly runId: Uint8Array;
  /** SHA-256 of the proof's bytes. */
  readonly proofDigest: Uint8Array;
  /** The weakest soundness term, proof of work counted. */
  readonly soundnessBits: number;
  /** The messages in order, for size breakdowns. */
  readonly log: readonly LogEntry[];
}

/** The statement at a proof's front; nothing else is checked. @throws DecodeError */
export function readProofStatement(bytes: Uint8Array): Statement {
  if (bytes.length < HEADER_BYTES || !isMagic(bytes))
    throw new DecodeError('MAGIC', 'proof', 0, 'these bytes do not begin like a zkLoRA proof');
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4);
  if (length > MAX_STATEMENT_BYTES || HEADER_BYTES + length > bytes.length)
    throw new DecodeError('STATEMENT_LENGTH', 'proof', 4, `a statement of ${length} bytes does not fit`);
  return decodeStatement(bytes.slice(HEADER_BYTES, HEADER_BYTES + length));
}

export interface VerifyOptions {
  readonly onProgress?: ProgressObserver;
}

/** The bar of a verification that somebody watches. */
function progressOf(
  bytes: Uint8Array,
  statement: Statement,
  stated: StatedCircuit,
  observer: ProgressObserver,
): Progress {
  observer(0, bytes.length, 'statement');
  const shape = { ...stated, headerBytes: proofHeader(statement).length, losses: statement.segment.losses };
  return new Progress(observer, bytes.length, costOfShape(shape, statement).stages);
}

/** @throws DecodeError for malformed bytes; VerificationError or MerkleError for a proof that does not prove its statement */
export function verifyProof(bytes: Uint8Array, options: VerifyOptions = {}): VerifiedProof {
  const statement = readProofStatement(bytes);
  const stated = circuitOf(statement);
  const { onProgress } = options;
  const progress = onProgress === undefined ? null : progressOf(bytes, statement, stated, onProgress);
  const enter = (stage: Stage): void => progress?.enter(stage);
  const instance = completeInstance(statement, stated, enter);
  const reader = new ProofReader(bytes);
  reader.onRead = (at) => progress?.read(at);
  verifyInstance(reader, instance, (oracle, merkleRoot) => checkRoot(statement, instance, oracle, merkleRoot), enter);
  enter('digest');
  const verified = {
    statement,
    statementHash: statementHash(statement),
    runId: runId(statement.run),
    proofDigest: sha256(bytes),
    soundnessBits: instanceSoundness(instance).bits,
    log: reader.log,
  };
  progress?.finish();
  return verified;
}

function checkRoot(statement: Statement, instance: Instance, oracle: OracleName, merkleRoot: Uint8Array): void {
  if (oracle === 'witness') return;
  const expected = statedRoot(statement, oracle);
  const actual = oracleRoot(statement.run, oracle, instance.circuit.stacks[oracle].length, merkleRoot);
  if (expected === null || !equalBytes(expected, actual))
    throw new VerificationError('ROOT', `the proof's ${oracle} commitment is not the statement's`, {
      argument: 'roots',
      expected: expected === null ? 'none' : toHex(expected),
      actual: toHex(actual),
    });
}

/**
 * Verifies all of a proof for a known instance.
 * @param check compares an oracle's Merkle root with what the statement holds; throws on difference
 * @param enter told of each stage that begins
 */
export function verifyInstance(
  reader: ProofReader,
  instance: Instance,
  check: (oracle: OracleName, merkleRoot: Uint8Array) => void,
  enter: (stage: Stage) => void = () => {},
): void {
  const { circuit, params } = instance;
  enter('lookup');
  const header = reader.bytes('statement', instance.header.length);
  if (!equalBytes(header, instance.header))
    throw new DecodeError('STATEMENT', 'statement', 0, 'the proof begins with another statement');
  const roots = new Map<OracleName, Uint8Array>();
  for (const oracle of committedOracles(instance)) {
    const root = reader.digest(`root.${oracle}`);
    check(oracle, root);
    roots.set(oracle, root);
  }
  reader.grind('lookup.grind', params.lookupGrinding);
  const ctx: VerifierContext<readonly [bigint, bigint]> = new TransparentContext(reader);
  const lookup = verifyLookup(ctx, circuit, drawLookup(reader));
  enter('relations');
  const relations = verifyRelations(ctx, circuit, instance.rows, instance.losses);
  enter('onehot');
  const bits = verifyOneHot(ctx, circuit, relations.onehot);
  enter('opening');
  const claims = [...lookup, ...relations.claims, ...bits];
  const evaluations = verifyOpening(ctx, circuit, claims, (oracle, point) => {
    if (instance.startSeed !== null && isStartOracle(oracle)) enter('start');
    return knownValue(instance, oracle, point);
  });
  const openings = evaluations.map(({ oracle, point, value }): CodeOpening => {
    const shape = codeShape(oracle, circuit.stacks[oracle].length);
    return { oracle, shape, root: roots.get(oracle) as Uint8Array, point, value: ctx.expose(value) };
  });
  enter('code');
  verifyCode(reader, params, openings);
  reader.finish();
}
