/** Anchored: does a registry on a chain hold this adapter's record, by itself or in a batch, and does it still? */
import { adapterRecordId, type Hex } from '../../protocol/attestation.ts';
import type { BatchEntry, BatchFile } from '../chain/batch-file.ts';
import { atNode } from '../chain/connection.ts';
import { NodeRefusedError } from '../chain/errors.ts';
import { isoTime, recordOf, type AdapterRecord } from '../chain/records.ts';
import {
  anchorEvents,
  batchEvent,
  endEvent,
  openRegistry,
  readStatus,
  type LoggedAt,
  type RecordStatus,
  type Registry as OpenRegistry,
  type RegistryOptions,
} from '../chain/registry.ts';
import { difference, verifierEvidence, type Expected } from './attested.ts';
import { no, yes, type Answer } from './answers.ts';
import {
  countInSet,
  countVoices,
  isQuorum,
  recordedVoices,
  voicesOf,
  type Count,
  type FoundSignature,
  type Quorum,
  type Trust,
} from './quorum.ts';

export interface Registry extends RegistryOptions {
  /** Where to begin in the chain's log. */
  readonly fromBlock?: bigint | undefined;
  /** A batch that the record may be in; checked against the chain. */
  readonly batch?: BatchFile | undefined;
}

/** What is asked of one record. */
interface Question {
  readonly found: OpenRegistry;
  readonly fromBlock: bigint;
  readonly trust: Trust;
  readonly signatures: readonly FoundSignature[];
}

/** The worst thing to know comes first, after a yes. */
const WEIGHT = { yes: 0, revoked: 1, superseded: 2, other: 3 } as const;
type Weighed = readonly [weight: number, answer: Answer];

/**
 * Looks a record up.
 *
 * @param trust whose attestations count, since anybody can attest and the registry judges nobody; of a record by itself
 *   those that are recorded on chain
 * @param signatures found elsewhere, which count for a batch: it records none
 * @throws the errors of chains
 */
export async function anchored(
  at: Registry,
  expected: Expected & { readonly adapterRoot: Hex },
  trust: Trust,
  signatures: readonly FoundSignature[] = [],
): Promise<Answer> {
  const question = await questionOf(at, trust, signatures);
  const answers = await Promise.all(
    (await heldRecords(question, expected, at.batch)).map((h) => heldAnswer(question, h)),
  );
  if (at.batch !== undefined)
    answers.push([WEIGHT.other, await batchAnswer(question, at.batch, entryOf(at.batch, expected))]);
  const [best] = answers.sort(([a, x], [b, y]) => weigh(a, x) - weigh(b, y));
  return best === undefined ? noneAnswer(question, expected) : best[1];
}

/**
 * Counts the attestations that a registry has recorded, while the record is anchored by itself, and those found
 * elsewhere; a set counts the recorded ones alone.
 *
 * @throws RequestError for a threshold above a set's members; the errors of chains
 */
export async function countAttestations(
  at: Registry,
  expected: Expected & { readonly adapterRoot: Hex },
  quorum: Quorum,
  signatures: readonly FoundSignature[],
): Promise<Count> {
  const question = await questionOf(at, quorum, signatures);
  const held = (await heldRecords(question, expected, at.batch)).filter(({ status }) => status.status === 'anchored');
  if ('set' in quorum) {
    const counts = await Promise.all(held.map(({ record }) => countInSet(question.found, quorum, record)));
    const none = { reached: false, why: at.batch === undefined ? NONE_BY_ITSELF : SETS_AND_BATCHES, evidence: {} };
    return counts.find(({ reached }) => reached) ?? counts[0] ?? none;
  }
  const recorded = await Promise.all(
    held.map(({ record }) => recordedVoices(question.found, adapterRecordId(record), quorum.attesters)),
  );
  return countVoices(quorum, [...voicesOf(signatures), ...recorded.flat()]);
}

const NONE_BY_ITSELF = 'no record of this run is anchored, so that a set counts nothing';
const SETS_AND_BATCHES = 'attester sets count no record of a batch: no block dates the attestations in it';

async function questionOf(at: Registry, trust: Trust, signatures: readonly FoundSignature[]): Promise<Question> {
  return { found: await openRegistry(at), fromBlock: at.fromBlock ?? 0n, trust, signatures };
}

const entryOf = (batch: BatchFile | undefined, expected: Expected): BatchEntry | undefined =>
  batch?.entries.find(({ signed }) => difference(expected, signed.attestation) === null);

const weigh = (weight: number, { answer }: Answer): number => (answer === 'yes' ? WEIGHT.yes : weight);

/** The record, where all of it is expected; its id needs no log. */
function wholeRecord(expected: Expected & { readonly adapterRoot: Hex }): AdapterRecord | null {
  const { adapterRoot, runId, runDigest, baseRoot, dataRoot, owner, steps, verifier } = expected;
  if (!(runId && runDigest && baseRoot && dataRoot && owner && steps !== undefined && verifier)) return null;
  return { runId, runDigest, adapterRoot, baseRoot, dataRoot, owner, steps, verifier };
}

/** A record that the registry knows by itself. */
interface Held {
  readonly record: AdapterRecord;
  readonly status: Exclude<RecordStatus, { status: 'unknown' }>;
}

/** What the registry knows of the records that say what is expected. */
async function heldRecords(
  question: Question,
  expected: Expected & { readonly adapterRoot: Hex },
  batch: BatchFile | undefined,
): Promise<Held[]> {
  const known = wholeRecord(expected);
  const held = known === null ? [] : await heldAmong(question, [known]);
  if (held.length > 0) return held;
  // The run may be anchored as another verifier version attested it: the log tells.
  return heldAmong(question, await candidates(question, expected, entryOf(batch, expected)));
}

async function heldAmong({ found }: Question, records: readonly AdapterRecord[]): Promise<Held[]> {
  const held: Held[] = [];
  for (const record of records) {
    const status = await readStatus(found, adapterRecordId(record));
    if (status.status !== 'unknown') held.push({ record, status });
  }
  return held;
}

async function heldAnswer(question: Question, { record, status }: Held): Promise<Weighed> {
  if (status.status === 'anchored') return anchoredAnswer(question, record, status);
  return [WEIGHT[status.status], await endedAnswer(question, record, status)];
}

/** Records of the chain's log, and of the batch, that say what is expected. */
async function candidates(
  { found, fromBlock }: Question,
  expected: Expected & { readonly adapterRoot: Hex },
  entry: BatchEntry | undefined,
): Promise<AdapterRecord[]> {
  const { adapterRoot, owner } = expected;
  const events = await anchorEvents(found, { adapterRoot, owner, fromBlock });
  const all = events.map(({ run }) => recordOf(run)).filter((record) => difference(expected, record) === null);
  if (entry !== undefined) all.push(recordOf(entry.signed.attestation));
  return [...new Map(all.map((record) => [adapterRecordId(record), record])).values()];
}

/** Where the log tells of something; nothing where the node refuses to search as far: the state is what counts. */
async function logged(ask: () => Promise<LoggedAt | undefined>): Promise<Readonly<Record<string, string | number>>> {
  try {
    const at = await ask();
    return at === undefined ? {} : { block: Number(at.blockNumber), transaction: at.hash };
  } catch (error) {
    if (error instanceof NodeRefusedError) return {};
    throw error;
  }
}

const placeOf = ({ chainId, registry }: OpenRegistry) => ({ chain: chainId, registry });

async function anchoredAnswer(
  { found, fromBlock, trust }: Question,
  record: AdapterRecord,
  status: Extract<RecordStatus, { status: 'anchored' }>,
): Promise<Weighed> {
  const { anchor, parent } = status;
  const id = adapterRecordId(record);
  const where = await logged(async () => {
    const [event] = await anchorEvents(found, { id, fromBlock });
    return event;
  });
  const evidence = {
    ...placeOf(found),
    ...where,
    record: id,
    attester: anchor.attester,
    ...verifierEvidence(record.verifier),
    anchored: isoTime(anchor.anchoredAt),
    ...(parent && { supersedes: parent }),
  };
  if (isQuorum(trust)) {
    const count =
      'set' in trust
        ? await countInSet(found, trust, record)
        : countVoices(trust, await recordedVoices(found, id, trust.attesters));
    const facts = { ...evidence, ...count.evidence };
    return count.reached
      ? [WEIGHT.yes, yes(facts)]
      : [WEIGHT.other, no(`it is anchored, but on chain ${count.why}`, facts)];
  }
  if (trust === null || anchor.attester.toLowerCase() === trust.toLowerCase()) return [WEIGHT.yes, yes(evidence)];
  // Others may have attested it since.
  const [issuedAt, recordedAt] = await atNode(found.rpcUrl, () => found.contract.read.attestationOf([id, trust]));
  if (recordedAt !== 0)
    return [
      WEIGHT.yes,
      yes({ ...evidence, attester: trust, attested: isoTime(issuedAt), recorded: isoTime(recordedAt) }),
    ];
  return [WEIGHT.other, no(`it is anchored on the word of another than ${trust}`, evidence)];
}

async function endedAnswer(
  { found, fromBlock }: Question,
  record: AdapterRecord,
  status: Extract<RecordStatus, { status: 'superseded' | 'revoked' }>,
): Promise<Answer> {
  const id = adapterRecordId(record);
  const { was, endedAt, successor } = status;
  const where = await logged(() => endEvent(found, id, fromBlock));
  const evidence = {
    ...placeOf(found),
    ...where,
    record: id,
    ...(was && { attester: was.attester, anchored: isoTime(was.anchoredAt) }),
    // The first end's time is the one that the registry keeps.
    ...(successor === undefined
      ? { revoked: isoTime(endedAt) }
      : { superseded: isoTime(endedAt), 'superseded by': successor }),
  };
  if (status.status === 'revoked') return no('its owner revoked it', evidence);
  return no(`its owner superseded it by ${successor}`, evidence);
}

/** A batch keeps no attestation: the one in the file counts if its signature does, which was checked when it was read. */
async function batchAnswer(
  { found, fromBlock, trust, signatures }: Question,
  batch: BatchFile,
  entry: BatchEntry | undefined,
): Promise<Answer> {
  if (entry === undefined) return no('the batch has no record of this adapter and run');
  const { root } = batch;
  const { signed, index, proof, id } = entry;
  const record = recordOf(signed.attestation);
  const [included, kept] = await atNode(found.rpcUrl, () =>
    Promise.all([
      found.contract.read.verifyInclusion([root, BigInt(index), record, proof]),
      found.contract.read.batchOf([record.owner, root]),
    ]),
  );
  if (kept.anchoredAt === 0) return no(`the registry ${found.registry} has no batch ${root} of ${record.owner}`);
  const where = await logged(() => batchEvent(found, record.owner, root, fromBlock));
  const place = { ...placeOf(found), ...where, batch: root, 'place in batch': `${index} of ${kept.count}` };
  const evidence = { ...place, record: id, attester: signed.attester, anchored: isoTime(kept.anchoredAt) };
  if (!included) return no('it is not, or no longer, a record of the batch', evidence);
  if (isQuorum(trust)) {
    if ('set' in trust) return no(SETS_AND_BATCHES, evidence);
    const voices = [{ attester: signed.attester, where: 'batch file' }, ...voicesOf(signatures, id)];
    const { reached, why, evidence: counted } = countVoices(trust, voices);
    const facts = { ...evidence, ...counted };
    return reached ? yes(facts) : no(`the batch has it, but ${why}`, facts);
  }
  if (trust !== null && signed.attester.toLowerCase() !== trust.toLowerCase())
    return no(`the batch has it on the word of another than ${trust}`, evidence);
  return yes(evidence);
}

/** Why no record answers: there is none, or one of another owner or run, or one that says something else of this run. */
async function noneAnswer(
  { found, fromBlock }: Question,
  expected: Expected & { readonly adapterRoot: Hex },
): Promise<Answer> {
  const others = await anchorEvents(found, { adapterRoot: expected.adapterRoot, fromBlock });
  if (others.length === 0) return no(`the registry ${found.registry} has no anchor of this adapter root`);
  const same = others.find(({ run }) => run.runId === expected.runId);
  if (same === undefined) return no('the registry anchors this adapter root for another run or owner alone');
  const evidence = { ...placeOf(found), record: same.id };
  return no(`the record of this run is another: ${difference(expected, same.run)} differs`, evidence);
}
