/**
 * Proofs, records and index in R2. Every put is create-only, so that nothing is ever overwritten:
 *
 *   proofs/{proof digest}                                     the bytes
 *   records/{proof digest}.json                               what was verified, when, by which version
 *   runs/{runId}/{first step}-{proof digest}                  index of a run's segments
 *   adapters/{root}/{runId}/{proof digest}                    index of the segments that end at an adapter
 *
 * They are written in this order. The record is the truth; the index follows from the records, and whoever submits a
 * proof again mends what a crash left out.
 */
import { toHex } from '../protocol/bytes.ts';
import type { ChainSegment } from '../protocol/chain.ts';
import type { Statement } from '../protocol/statement.ts';
import type { VerifiedProof } from '../protocol/verify.ts';
import { Problem } from './problems.ts';

/** A verifier version: `digest` is 32 bytes over id and version. */
export interface VerifierVersion {
  readonly id: string;
  readonly version: string;
  readonly digest: string;
}

/** What is known of a verified proof; digests are 32 bytes in lower-case hexadecimal. */
export interface ProofRecord {
  /** SHA-256 of the bytes. */
  readonly proofDigest: string;
  readonly proofBytes: number;
  readonly statementHash: string;
  readonly runId: string;
  readonly verifier: VerifierVersion;
  readonly soundnessBits: number;
  /** When it was verified, seconds since 1970. */
  readonly receivedAt: number;
  readonly statement: Statement;
}

/** A segment in the index of its run. */
export type SegmentEntry = ChainSegment;

/** Most proofs of a run, or at an adapter, that one answer looks at. */
export const MAX_ENTRIES = 10_000;

const proofKey = (digest: string): string => `proofs/${digest}`;
const recordKey = (digest: string): string => `records/${digest}.json`;
const runPrefix = (runId: string): string => `runs/${runId}/`;
const adapterPrefix = (root: string): string => `adapters/${root}/`;

const CREATE_ONLY = { onlyIf: { etagDoesNotMatch: '*' } } as const;
const JSON_TYPE = { httpMetadata: { contentType: 'application/json' } } as const;

/** The record of a proof that was just verified. @param receivedAt seconds since 1970 */
export function recordOf(
  bytes: Uint8Array,
  verified: VerifiedProof,
  verifier: VerifierVersion,
  receivedAt: number,
): ProofRecord {
  return {
    proofDigest: toHex(verified.proofDigest),
    proofBytes: bytes.length,
    statementHash: toHex(verified.statementHash),
    runId: toHex(verified.runId),
    verifier,
    soundnessBits: verified.soundnessBits,
    receivedAt,
    statement: verified.statement,
  };
}

function entryOf(record: ProofRecord): SegmentEntry {
  const { first, steps, adapterIn, momentsIn, adapterOut, momentsOut } = record.statement.segment;
  const { proofDigest, statementHash, receivedAt } = record;
  const roots = { adapterIn, momentsIn, adapterOut, momentsOut };
  return { proofDigest, statementHash, first, steps, ...roots, verifier: record.verifier.digest, receivedAt };
}

/** The bucket as this worker uses it. */
export class ProofStore {
  readonly #bucket: R2Bucket;

  constructor(bucket: R2Bucket) {
    this.#bucket = bucket;
  }

  /**
   * Stores a verified proof: its bytes (R2 checks them against the digest), then its record, then its index entries.
   * @returns the record kept: an earlier one where another request was first
   */
  async put(bytes: Uint8Array<ArrayBuffer>, record: ProofRecord): Promise<ProofRecord> {
    const { proofDigest } = record;
    await this.#bucket.put(proofKey(proofDigest), bytes, {
      ...CREATE_ONLY,
      sha256: proofDigest,
      httpMetadata: { contentType: 'application/octet-stream' },
    });
    const written = await this.#bucket.put(recordKey(proofDigest), JSON.stringify(record), {
      ...CREATE_ONLY,
      ...JSON_TYPE,
    });
    const kept = written === null ? await this.record(proofDigest) : record;
    if (kept === null) throw new Error(`record ${proofDigest} is neither new nor there`);
    await this.index(kept);
    return kept;
  }

  /** Writes the index entries of a record where they are missing. */
  async index(record: ProofRecord): Promise<void> {
    const { runId, proofDigest } = record;
    const { first, adapterOut } = record.statement.segment;
    // The metadata comes with a listing; the body is the same for whoever reads the object alone.
    const entry = JSON.stringify(entryOf(record));
    const options = { ...CREATE_ONLY, ...JSON_TYPE, customMetadata: { entry } };
    const place = `${String(first).padStart(10, '0')}-${proofDigest}`;
    await Promise.all([
      this.#bucket.put(`${runPrefix(runId)}${place}`, entry, options),
      this.#bucket.put(`${adapterPrefix(adapterOut)}${runId}/${proofDigest}`, entry, options),
    ]);
  }

  /** The record of a proof, or null. */
  async record(proofDigest: string): Promise<ProofRecord | null> {
    const object = await this.#bucket.get(recordKey(proofDigest));
    return object === null ? null : object.json<ProofRecord>();
  }

  /** Whether the bytes of a proof are there. */
  async has(proofDigest: string): Promise<boolean> {
    return (await this.#bucket.head(proofKey(proofDigest))) !== null;
  }

  /** The bytes of a proof, as a stream, or null. */
  raw(proofDigest: string): Promise<R2ObjectBody | null> {
    return this.#bucket.get(proofKey(proofDigest));
  }

  /** The segments of a run, by first step. @throws Problem (503) beyond MAX_ENTRIES */
  async segmentsOf(runId: string): Promise<SegmentEntry[]> {
    return (await this.#list(runPrefix(runId))).map(({ entry }) => entry);
  }

  /** The segments that end at an adapter, by run id. @throws Problem (503) beyond MAX_ENTRIES */
  async segmentsEndingAt(adapterRoot: string): Promise<Map<string, SegmentEntry[]>> {
    const prefix = adapterPrefix(adapterRoot);
    const byRun = new Map<string, SegmentEntry[]>();
    for (const { key, entry } of await this.#list(prefix)) {
      const runId = key.slice(prefix.length, key.indexOf('/', prefix.length));
      byRun.set(runId, [...(byRun.get(runId) ?? []), entry]);
    }
    return byRun;
  }

  async #list(prefix: string): Promise<{ key: string; entry: SegmentEntry }[]> {
    const found: { key: string; entry: SegmentEntry }[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.#bucket.list({ prefix, include: ['customMetadata'], ...(cursor && { cursor }) });
      for (const { key, customMetadata } of page.objects)
        found.push({ key, entry: JSON.parse(customMetadata?.entry ?? 'null') as SegmentEntry });
      cursor = page.truncated ? page.cursor : undefined;
      if (found.length > MAX_ENTRIES) {
        const detail = `There are more than ${MAX_ENTRIES} proofs under ${prefix}`;
        throw new Problem(503, { code: 'TOO_MANY_PROOFS', detail, next: 'Tell the operator of this worker.' });
      }
    } while (cursor !== undefined);
    return found;
  }
}
