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
  readonly attester: Hex | null;
}

/** The worst thing to know comes first, after a yes. */
const WEIGHT = { yes: 0, revoked: 1, superseded: 2, other: 3 } as const;
type Weighed = readonly [weight: number, answer: Answer];

/**
 * Looks a record up.
 *
 * @param attester the only one whose attestation counts, since anybody can attest and the registry judges nobody; null: any
 * @throws the errors of chains
 */
export async function anchored(
  at: Registry,
  expected: Expected & { readonly adapterRoot: Hex },
  attester: Hex | null,
): Promise<Answer> {
  const found = await openRegistry(at);
  const question = { found, fromBlock: at.fromBlock ?? 0n, attester };
  const entry = at.batch?.entries.find(({ signed }) => difference(expected, signed.attestation) === null);
  const known = wholeRecord(expected);
  const answers = known === null ? [] : await answersOf(question, [known]);
  // The run may be anchored as another verifier version attested it: the log tells.
  if (answers.length === 0) answers.push(...(await answersOf(question, await candidates(question, expected, entry))));
  if (at.batch !== undefined) answers.push([WEIGHT.other, await batchAnswer(question, at.batch, entry)]);
  const [best] = answers.sort(([a, x], [b, y]) => weigh(a, x) - weigh(b, y));
  return best === undefined ? noneAnswer(question, expected) : best[1];
}

const weigh = (weight: number, { answer }: Answer): number => (answer === 'yes' ? WEIGHT.yes : weight);

/** The record, where all of it is expected; its id needs no log. */
function wholeRecord(expected: Expected & { readonly adapterRoot: Hex }): AdapterRecord | null {
  const { adapterRoot, runId, runDigest, baseRoot, dataRoot, owner, steps, verifier } = expected;
  if (!(runId && runDigest && baseRoot && dataRoot && owner && steps !== undefined && verifier)) return null;
  return { runId, runDigest, adapterRoot, baseRoot, dataRoot, owner, steps, verifier };
}

/** What the registry says of each record that it knows. */
async function answersOf(question: Question, records: readonly AdapterRecord[]): Promise<Weighed[]> {
  const answers: Weighed[] = [];
  for (const record of records) {
    const status = await readStatus(question.found, adapterRecordId(record));
    if (status.status === 'anchored') answers.push(await anchoredAnswer(question, record, status));
    else if (status.status !== 'unknown')
      answers.push([WEIGHT[status.status], await endedAnswer(question, record, status)]);
  }
  return answers;
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
  { found, fromBlock, attester }: Question,
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
  if (attester === null || anchor.attester.toLowerCase() === attester.toLowerCase()) return [WEIGHT.yes, yes(evidence)];
  // Others may have attested it since.
  const [issuedAt, recordedAt] = await atNode(found.rpcUrl, () => found.contract.read.attestationOf([id, attester]));
  if (recordedAt !== 0)
    return [WEIGHT.yes, yes({ ...evidence, attester, attested: isoTime(issuedAt), recorded: isoTime(recordedAt) })];
  return [WEIGHT.other, no(`it is anchored on the word of another than ${attester}`, evidence)];
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
  { found, fromBlock, attester }: Question,
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
  if (attester !== null && signed.attester.toLowerCase() !== attester.toLowerCase())
    return no(`the batch has it on the word of another than ${attester}`, evidence);
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
