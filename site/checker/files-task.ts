/** Checks files on the reader's machine: proofs, adapters, and what adapters claim about themselves. */
import { byteCount, counted, stepRange } from '../../api/words.ts';
import { provenRuns, type ProvenRun } from '../../protocol/proven-runs.ts';
import type { VerifiedProof } from '../../protocol/verify.ts';
import type { Event, Outcome, PickedFile, Task } from '../messages.ts';
import { checkAdapter } from './adapter-file.ts';
import { judgeProof } from './judge.ts';
import { kindOf, MOST_BYTES, readClaim, type Claim, type FileKind } from './kinds.ts';
import { failureWords } from './refusals.ts';
import type { Send } from './sender.ts';

type FilesTask = Extract<Task, { kind: 'files' }>;

/** Files that are none of ours are listed one by one up to this many. */
const MOST_FOREIGN = 5;

interface Picked extends PickedFile {
  readonly kind: FileKind;
  readonly job: number;
}

const KINDS: Readonly<Record<FileKind, string>> = {
  proof: 'proof',
  adapter: 'adapter',
  claim: 'what the adapter claims',
  foreign: 'other file',
};

/** Decides which files are looked at, and tells the page. */
async function sorted(files: readonly PickedFile[], send: Send): Promise<Picked[]> {
  const known = await Promise.all(files.map(async (each) => ({ ...each, kind: await kindOf(each) })));
  const foreign = known.filter((each) => each.kind === 'foreign').length;
  const ours = foreign === known.length || foreign <= MOST_FOREIGN ? known : known.filter((e) => e.kind !== 'foreign');
  const shown = ours.slice(0, foreign === known.length ? MOST_FOREIGN : undefined);
  send({
    kind: 'jobs',
    jobs: shown.map(({ path, file, kind }) => ({ name: path, note: `${KINDS[kind]}, ${byteCount(file.size)}` })),
  });
  return shown.map((each, job) => ({ ...each, job }));
}

const done = (job: number, tone: 'good' | 'bad' | 'open', text: string): Event => ({
  kind: 'done',
  job,
  tone,
  text,
  milliseconds: null,
  facts: [],
  offer: null,
});

function foreignWords({ path, file }: PickedFile): string {
  if (file.size === 0) return 'This file is empty.';
  if (/\.(bin|pt|pth|ckpt|gguf)$/i.test(path))
    return 'Only safetensors files can be checked; other formats do not hold the proven weights exactly.';
  return 'This is neither a proof nor an adapter; there is nothing to check in it.';
}

/** Runs `work` on a file; what goes wrong with one file keeps none of the others from being checked. */
async function guarded(picked: Picked, send: Send, work: (bytes: Uint8Array<ArrayBuffer>) => Promise<void> | void) {
  try {
    if (picked.file.size > MOST_BYTES)
      return send(done(picked.job, 'open', 'It is too large for a browser; use ./zklora check.'));
    if (picked.file.size === 0) return send(done(picked.job, 'bad', 'This file is empty.'));
    send({ kind: 'progress', job: picked.job, what: 'reading', share: null });
    await work(new Uint8Array(await picked.file.arrayBuffer()));
  } catch (error) {
    send(done(picked.job, 'bad', failureWords(error)));
  }
}

/** What the proofs of one run come to together. */
function runOutcome({ run, proofs, report }: ProvenRun): Outcome {
  const [chain] = report.chains;
  const link = null;
  const ours = proofs === 1 ? 'This proof' : `These ${proofs} proofs`;
  if (chain !== undefined)
    return {
      tone: 'good',
      title: 'A whole training run, proven on your machine',
      text: `${ours} ${proofs === 1 ? 'shows' : 'chain without a gap and show'} every one of the run’s ${counted(run.steps, 'step')}. The result is adapter ${chain.adapterRoot}.`,
      checks: [],
      link,
    };
  const gaps = report.missing.map(stepRange).join(', ');
  return {
    tone: 'open',
    title: 'A part of a training run',
    text: `${ours} ${proofs === 1 ? 'holds' : 'hold'}, but the run has ${counted(run.steps, 'step')}. ${gaps === '' ? 'They do not chain.' : `Without a proof here: ${gaps}.`}`,
    checks: [],
    link,
  };
}

/** @throws nothing that one file or the service is to blame for */
export async function checkFiles({ base, files }: FilesTask, send: Send): Promise<void> {
  const picked = await sorted(files, send);
  const of = (kind: FileKind): Picked[] => picked.filter((each) => each.kind === kind);
  for (const each of of('foreign')) send(done(each.job, 'open', foreignWords(each)));

  const claims: Claim[] = [];
  for (const each of of('claim'))
    await guarded(each, send, async () => {
      const claim = await readClaim(each);
      if (typeof claim === 'string') return send(done(each.job, 'bad', claim));
      claims.push(claim);
      send(done(each.job, 'open', `Read: it claims run ${claim.runId.slice(0, 8)}…, which is checked, not believed.`));
    });

  const verified: VerifiedProof[] = [];
  for (const each of of('proof'))
    await guarded(each, send, (bytes) => {
      const proof = judgeProof(bytes, each.job, send);
      if (proof !== null) verified.push(proof);
    });
  const proven = provenRuns(verified);
  for (const run of proven) send({ kind: 'outcome', outcome: runOutcome(run) });

  for (const each of of('adapter'))
    await guarded(each, send, (bytes) =>
      checkAdapter({ base, bytes, path: each.path, job: each.job, claims, proven }, send),
    );
}
