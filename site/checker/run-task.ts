/** Verifies a whole run again: its proofs, their chain, its digest and who signed it. */
import { askBytes, find, type Output } from '../../api/client.ts';
import { counted, stepRange } from '../../api/words.ts';
import { chainDigest, provenRuns } from '../../protocol/proven-runs.ts';
import { toHex } from '../../protocol/bytes.ts';
import type { Chain, ChainReport } from '../../protocol/chain.ts';
import { sha256 } from '../../protocol/hash.ts';
import { runId as runIdOf, type RunSpec } from '../../protocol/statement.ts';
import { parseRun } from '../../protocol/statement-schema.ts';
import type { VerifiedProof } from '../../protocol/verify.ts';
import type { Check, Outcome, Task } from '../messages.ts';
import { judgeProof, OWN_VERIFIER } from './judge.ts';
import type { Send } from './sender.ts';
import { checkRunAttestations } from './signatures.ts';

type RunTask = Extract<Task, { kind: 'run' }>;
type Report = Output<'run'>;

const DIFFERS = 'Not confirmed by your browser';

/** Fetches and verifies one proof. The bytes must have the digest under which they were asked for. */
export async function judgeStored(
  base: string,
  digest: string,
  job: number,
  send: Send,
): Promise<{ verified: VerifiedProof | null; milliseconds: number }> {
  send({ kind: 'progress', job, what: 'fetching', share: null });
  const bytes = await askBytes(base, { params: { sha256: digest } });
  const refuse = (text: string) => {
    send({ kind: 'done', job, tone: 'bad', text, milliseconds: null, facts: [], offer: null });
    return { verified: null, milliseconds: 0 };
  };
  if (bytes === null) return refuse('The service names this proof but does not hand it out.');
  if (toHex(sha256(bytes)) !== digest) return refuse('The service handed out other bytes than those that it names.');
  const begin = performance.now();
  const verified = judgeProof(bytes, job, send);
  return { verified, milliseconds: performance.now() - begin };
}

/** Checks of the chain of a complete run against what the service says of it. */
function chainChecks(report: Report, run: RunSpec, chain: Chain): Check[] {
  const { runId, final } = report;
  const digest = chainDigest(runId, chain);
  const hex = (digits: string): string => `0x${digits}`;
  const expected = {
    runId: hex(runId),
    runDigest: hex(digest),
    adapterRoot: hex(chain.adapterRoot),
    baseRoot: hex(run.baseRoot),
    dataRoot: hex(run.dataRoot),
    owner: run.owner,
    steps: String(run.steps),
  };
  const same = final?.runDigest === digest;
  return [
    same
      ? { tone: 'good', text: 'The digest of the whole run, computed here, is the one that the service tells.' }
      : { tone: 'bad', text: 'The digest of the whole run, computed here, is not the one that the service tells.' },
    ...checkRunAttestations(final?.attestations ?? [], expected),
    ...(final !== null && final.verifier !== OWN_VERIFIER
      ? [
          {
            tone: 'open',
            text: 'The service verified it with another version of the verifier than this page has.',
          } as const,
        ]
      : []),
  ];
}

interface Judged {
  readonly report: Report;
  readonly run: RunSpec;
  readonly verified: readonly VerifiedProof[];
  readonly refused: number;
  readonly milliseconds: number;
  readonly adapterRoot: string | null;
}

function proofChecks({ report, verified, refused, milliseconds }: Judged): Check[] {
  const all = verified.length + refused;
  const hold = `${all === 1 ? 'The proof holds' : `All ${all} proofs hold`}, verified here in ${(milliseconds / 1000).toFixed(1)} s.`;
  const foreign = verified.filter((v) => toHex(v.runId) !== report.runId).length;
  return [
    refused === 0
      ? { tone: 'good', text: hold }
      : { tone: 'bad', text: `${counted(refused, 'proof')} of ${all} did not hold.` },
    ...(foreign === 0
      ? []
      : [{ tone: 'bad', text: `${counted(foreign, 'proof')} of ${all} are about another run.` } as const]),
  ];
}

function openOutcome(proven: ChainReport | undefined, run: RunSpec, checks: readonly Check[]): Outcome {
  const missing = (proven?.missing ?? [{ first: 0, steps: run.steps }]).map(stepRange).join(', ');
  const reach = `The proofs chain from step 0 to step ${proven?.reached ?? 0} of ${run.steps}.`;
  const chain = { tone: 'open', text: missing === '' ? reach : `${reach} Without a proof: ${missing}.` } as const;
  const bad = checks.some((check) => check.tone === 'bad');
  return {
    tone: bad ? 'bad' : 'open',
    title: bad ? DIFFERS : 'The run is not complete',
    text: 'There is no unbroken chain of proofs from the first step to the last.',
    checks: [...checks, chain],
    link: null,
  };
}

function endCheck(chain: Chain, adapterRoot: string): Check {
  return chain.adapterRoot === adapterRoot
    ? { tone: 'good', text: `They end at the adapter of this page, ${adapterRoot}.` }
    : { tone: 'bad', text: `They end at another adapter than this page says: ${chain.adapterRoot}.` };
}

function conclusion(judged: Judged): Outcome {
  const { report, run, verified, adapterRoot } = judged;
  const found = proofChecks(judged);
  const proven = provenRuns(verified).find((each) => each.runId === report.runId)?.report;
  const chain = proven?.chains.find((c) => adapterRoot === null || c.adapterRoot === adapterRoot) ?? proven?.chains[0];
  if (chain === undefined) return openOutcome(proven, run, found);
  const checks: Check[] = [
    ...found,
    { tone: 'good', text: `They chain from step 0 to step ${run.steps}, the last, root to root.` },
    ...(adapterRoot === null ? [] : [endCheck(chain, adapterRoot)]),
    ...chainChecks(report, run, chain),
  ];
  const bad = checks.some((check) => check.tone === 'bad');
  return {
    tone: bad ? 'bad' : 'good',
    title: bad ? DIFFERS : 'Confirmed by your browser',
    text: bad
      ? 'What this service says does not agree with what your browser computed.'
      : `Every one of the run’s ${counted(run.steps, 'step')} is proven. You need not take this service’s word for it.`,
    checks,
    link: null,
  };
}

/** @throws the errors of `api/client.ts`, and ProtocolError for a run that is none */
export async function checkRun({ base, runId, adapterRoot }: RunTask, send: Send): Promise<void> {
  const report = await find(base, 'run', { params: { id: runId } });
  if (report === null) return send({ kind: 'failed', text: 'The service does not know this run any more.' });
  const run = parseRun(report.run);
  if (report.runId !== runId || toHex(runIdOf(run)) !== runId)
    return send({ kind: 'failed', text: 'The service tells of another run than the one asked for.' });
  const digests = report.final?.proofs ?? [...new Set(report.segments.map((s) => s.proofDigest))];
  const jobs = digests.map((digest, i) => ({
    name: `Proof ${i + 1} of ${digests.length}`,
    note: `${digest.slice(0, 8)}…${digest.slice(-8)}`,
  }));
  send({ kind: 'jobs', jobs });
  const verified: VerifiedProof[] = [];
  let refused = 0;
  let milliseconds = 0;
  for (const [job, digest] of digests.entries()) {
    const judged = await judgeStored(base, digest, job, send);
    milliseconds += judged.milliseconds;
    if (judged.verified === null) refused++;
    else verified.push(judged.verified);
  }
  const outcome = conclusion({ report, run, verified, refused, milliseconds, adapterRoot });
  send({ kind: 'outcome', outcome });
}
