/** Verifies proofs on this machine, one by one. */
import { counted, runFacts, stepRange, type Fact } from '../../api/words.ts';
import { toHex } from '../../protocol/bytes.ts';
import type { Stage } from '../../protocol/cost.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { verifierDigest, verifyProof, type VerifiedProof } from '../../protocol/verify.ts';
import { refusalWords } from './refusals.ts';
import { progressOf, type Send } from './sender.ts';

/** Digest of the verifier that runs here. */
export const OWN_VERIFIER = toHex(verifierDigest());

/** What the verifier says that it does at the moment, in words. */
const STAGES: Readonly<Record<Stage, string>> = {
  statement: 'reading what it states',
  tables: 'building the public tables',
  rows: 'drawing the order of the rows',
  start: 'drawing the initial adapter',
  lookup: 'checking ranges and tables',
  relations: 'checking every step’s arithmetic',
  onehot: 'checking the tokens',
  opening: 'bringing all claims together',
  code: 'opening the commitments',
  digest: 'computing its SHA-256',
};

/**
 * Verifies one proof and tells the page.
 * @returns what it proves, or null where it is refused
 */
export function judgeProof(bytes: Uint8Array, job: number, send: Send): VerifiedProof | null {
  const report = progressOf(send, job);
  report('verifying', null);
  const begin = performance.now();
  const milliseconds = (): number => performance.now() - begin;
  try {
    const onProgress = (read: number, total: number, stage: Stage): void =>
      report(`verifying: ${STAGES[stage]}`, read / total);
    const verified = verifyProof(bytes, { onProgress });
    const { run, segment } = verified.statement;
    const text = `Holds: it proves ${stepRange(segment)} of a run of ${counted(run.steps, 'step')} (counted from 0).`;
    const facts = proofFacts(verified);
    send({ kind: 'done', job, tone: 'good', text, milliseconds: milliseconds(), facts, offer: { kind: 'proof' } });
    return verified;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const text = refusalWords(error);
    send({ kind: 'done', job, tone: 'bad', text, milliseconds: milliseconds(), facts: [], offer: null });
    return null;
  }
}

function proofFacts({ statement, runId, proofDigest, soundnessBits }: VerifiedProof): Fact[] {
  const { run, segment } = statement;
  const { losses, counts } = segment;
  const means = losses?.slice(0, 8).map((loss, i) => (loss / counts[i] / 1024).toFixed(4));
  return [
    { term: 'Proves', value: stepRange(segment), kind: 'text' },
    { term: 'Starts from', value: segment.adapterIn ?? 'the initial adapter of the run’s seed', kind: 'digest' },
    { term: 'Leads to adapter', value: segment.adapterOut, kind: 'digest' },
    ...(means === undefined
      ? []
      : ([
          { term: 'Mean loss', value: `${means.join(', ')}${counts.length > 8 ? ', …' : ''} nats`, kind: 'text' },
        ] as const)),
    { term: 'Run', value: toHex(runId), kind: 'digest' },
    { term: 'SHA-256', value: toHex(proofDigest), kind: 'digest' },
    { term: 'Soundness', value: `${Math.floor(soundnessBits)} bits`, kind: 'text' },
    ...runFacts(run),
  ];
}
