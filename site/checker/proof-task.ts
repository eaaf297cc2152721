/** Verifies one stored proof again, and who signed it. */
import { find } from '../../api/client.ts';
import { stepRange } from '../../api/words.ts';
import { toHex } from '../../protocol/bytes.ts';
import type { Check, Task } from '../messages.ts';
import { judgeStored } from './run-task.ts';
import type { Send } from './sender.ts';
import { checkSegmentAttestations } from './signatures.ts';

type ProofTask = Extract<Task, { kind: 'proof' }>;

/** @throws the errors of `api/client.ts` */
export async function checkProof({ base, proofDigest }: ProofTask, send: Send): Promise<void> {
  const record = await find(base, 'proof', { params: { sha256: proofDigest } });
  if (record === null) return send({ kind: 'failed', text: 'The service does not know this proof any more.' });
  send({ kind: 'jobs', jobs: [{ name: 'The proof', note: `${proofDigest.slice(0, 8)}…${proofDigest.slice(-8)}` }] });
  const { verified, milliseconds } = await judgeStored(base, proofDigest, 0, send);
  const link = null;
  if (verified === null) {
    const text = 'The proof that this service holds was refused by your browser.';
    const outcome = { tone: 'bad', title: 'Not confirmed by your browser', text, checks: [], link } as const;
    return send({ kind: 'outcome', outcome });
  }
  const { statement, statementHash, runId } = verified;
  const checks: Check[] = [
    { tone: 'good', text: `It holds, verified here in ${(milliseconds / 1000).toFixed(1)} s.` },
    toHex(runId) === record.runId && toHex(statementHash) === record.statementHash
      ? { tone: 'good', text: 'It is about the run and the steps that this service says.' }
      : { tone: 'bad', text: 'It is about another run, or other steps, than this service says.' },
    ...checkSegmentAttestations(record.attestations, {
      statementHash: `0x${toHex(statementHash)}`,
      proofDigest: `0x${proofDigest}`,
      owner: statement.run.owner,
    }),
  ];
  const good = checks.every((check) => check.tone !== 'bad');
  send({
    kind: 'outcome',
    outcome: {
      tone: good ? 'good' : 'bad',
      title: good ? 'Confirmed by your browser' : 'Not confirmed by your browser',
      text: `The proof shows ${stepRange(statement.segment)} of ${statement.run.steps}, counted from 0; a whole run needs all of them.`,
      checks,
      link,
    },
  });
}
