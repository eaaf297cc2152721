/** The whole way on this machine, step after step. */
import { cp } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createWalletClient, http, type Address } from 'viem';
import { generatePrivateKey } from 'viem/accounts';
import { anchorRun } from '../chain/anchor-command.ts';
import { deployRegistry } from '../chain/deploy.ts';
import { startHardhatNode } from '../chain/node.ts';
import { answersText, QUESTIONS, type Answers } from '../check/answers.ts';
import { checkAdapter, type CheckSources } from '../check/check.ts';
import { openCompute, type Compute } from '../compute.ts';
import { ProverError } from '../errors.ts';
import { NotAttestedError } from '../proofs/errors.ts';
import { ProveProgress } from '../proofs/progress.ts';
import { proveRun, type SegmentProof } from '../proofs/prove-run.ts';
import type { SubmitResult } from '../service/answers.ts';
import { startWorker } from '../service/dev-server.ts';
import { submitProofs } from '../service/submit-command.ts';
import { newRun, type OpenedRun } from '../train/new-run.ts';
import { Progress } from '../train/progress.ts';
import { RunConfigError } from '../train/errors.ts';
import { runConfig } from '../train/run-config.ts';
import { runPath } from '../train/run-folder.ts';
import { writeResults } from '../train/train-command.ts';
import { train, type TrainOutcome } from '../train/trainer.ts';
import { AcceptedError, changedByte, changedWeight, missingSegment, type Refusal } from './refusals.ts';
import type { Stage } from './stage.ts';
import type { Teller } from './tell.ts';

const example = (name: string): string => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
const MODEL = example('stories260k');
const DATA = example('aesop-fables.jsonl');

/** The rate is high because the steps are few. */
const SETTINGS = { batch: 4, seqLen: 64, rank: 8, alpha: 16, targets: ['q_proj', 'v_proj'], lr: '0.005' } as const;

/** The good adapter got another answer than yes four times. */
class DemoError extends ProverError {
  constructor(answers: Answers) {
    super(`the good adapter was not accepted:\n${answersText(answers)}`, 'Please report this with the lines above.');
  }
}

/** Services on loopback. */
interface Services {
  readonly rpc: string;
  readonly owner: Address;
  readonly worker: string;
}

/** Shows everything. @param steps of training, at least 2 */
export async function demo(stage: Stage, teller: Teller, steps: number) {
  if (!Number.isInteger(steps) || steps < 2)
    throw new RunConfigError(
      `${steps} steps are too few to show a run with a missing segment`,
      'Give 2 or more to --steps.',
    );
  const services = await teller.phase('services', 'Start a chain and the verification service on this machine', () =>
    startServices(stage, teller),
  );
  const compute = await stage.holds(openCompute('gpu'), (c) => c.close());
  const trained = await teller.phase('train', `Train ${steps} steps in integers on Aesop’s fables`, () =>
    trainAdapter(stage, teller, compute, services.owner, steps),
  );
  const proofs = await teller.phase('prove', 'Prove every step', () => proveAll(teller, compute, trained.opened));
  const { run } = trained.opened;
  const files = proofs.map((p) => p.file);
  const early = await teller.phase('submit', 'Submit the proofs', () =>
    submitAll(teller, services, trained.opened, files),
  );
  const anchor = await teller.phase('anchor', 'Deploy the registry and anchor the adapter', async () => {
    const sender = { account: services.owner };
    const { registry } = await deployRegistry({ rpcUrl: services.rpc, sender });
    const receipt = await anchorRun(run.spec, { worker: services.worker, rpc: services.rpc, registry }, sender);
    const { chainId, blockNumber, gasUsed, hash, id, attester } = receipt;
    teller.say(`registry ${registry} on chain ${chainId}: record ${id}`);
    teller.say(`block ${blockNumber}, ${gasUsed} gas, attested by ${attester}`);
    return {
      registry,
      chainId,
      block: Number(blockNumber),
      gas: Number(gasUsed),
      transaction: hash,
      record: id,
      attester,
    };
  });
  // As a reader has it: the adapter alone, in a folder of its own; the proofs come from the service.
  const adapter = join(stage.folder, 'downloaded', 'adapter');
  await cp(runPath(run.folder, 'adapter'), adapter, { recursive: true });
  const { worker, rpc } = services;
  const registry = { rpcUrl: rpc, registry: anchor.registry };
  const sources: CheckSources = { adapter, proofs: null, worker, attester: anchor.attester, registry };
  const answers = await teller.phase('check', 'Check the adapter as a reader who has nothing else', () =>
    checkGood(teller, compute, sources),
  );
  const others = await teller.phase('refuse', 'Show what is refused', async () => {
    const refusals = [
      early,
      await missingSegment(compute.backend, sources, files, join(stage.folder, 'incomplete')),
      await changedWeight(compute.backend, sources, MODEL, join(stage.folder, 'changed-adapter')),
      ...(await changedByte(files[0], worker)),
    ];
    for (const { what, by, why } of refusals) teller.say(`${what}\n    refused by ${by}: ${why}`);
    return refusals;
  });
  return summary(trained, proofs, anchor, answers, others);
}

async function startServices(stage: Stage, teller: Teller): Promise<Services> {
  const stateDir = join(stage.folder, 'service');
  const attesterKey = generatePrivateKey();
  const [chain, worker] = await Promise.all([
    stage.holds(startHardhatNode(), (c) => c.stop()),
    stage.holds(startWorker({ attesterKey, stateDir }), (w) => w.stop()),
  ]);
  const [owner] = await createWalletClient({ transport: http(chain.rpcUrl) }).getAddresses();
  teller.say(`chain   ${chain.rpcUrl}`);
  teller.say(`service ${worker.url}`);
  return { rpc: chain.rpcUrl, owner, worker: worker.url };
}

interface Trained {
  readonly opened: OpenedRun;
  readonly outcome: TrainOutcome;
}

async function trainAdapter(
  stage: Stage,
  teller: Teller,
  compute: Compute,
  owner: Address,
  steps: number,
): Promise<Trained> {
  const config = runConfig({ ...SETTINGS, targets: [...SETTINGS.targets], steps, evalRows: 16, owner });
  const sources = { folder: join(stage.folder, 'run'), model: MODEL, data: DATA, initialAdapter: null };
  const opened = await newRun(sources, config, compute.backend);
  const { run, base } = opened;
  teller.say(`base root ${run.spec.baseRoot}`);
  teller.say(`data root ${run.spec.dataRoot}`);
  const engine = await compute.engine(run.program(0, 1), { witness: false });
  const progress = new Progress(process.stdout);
  try {
    await engine.loadBase(base);
    const outcome = await train(run, engine, progress);
    progress.stop();
    await writeResults(run, outcome);
    const [before, after] = outcome.evaluations.map(({ mean }) => mean);
    teller.say(`held-out loss ${before.toFixed(4)} before, ${after.toFixed(4)} after`);
    return { opened, outcome };
  } finally {
    progress.stop();
    engine.close();
  }
}

async function proveAll(teller: Teller, compute: Compute, opened: OpenedRun): Promise<readonly SegmentProof[]> {
  const progress = new ProveProgress(process.stdout);
  const { proofs, chain } = await proveRun(opened, compute, 1, progress);
  progress.stop();
  teller.say(`final adapter root ${chain?.adapterRoot}`);
  return proofs;
}

/** Submits all but the last proof, shows that the run is not attested yet, and submits the last. */
async function submitAll(
  teller: Teller,
  services: Services,
  { run }: OpenedRun,
  files: readonly string[],
): Promise<Refusal> {
  const { worker, rpc, owner } = services;
  const told = (file: string, { timings }: SubmitResult): void =>
    teller.say(`${basename(file)}: verified${timings === null ? '' : ` in ${timings.verifyMs} ms`}`);
  await submitProofs(worker, run.id, files.slice(0, -1), told);
  const what = 'a run whose last segment is not submitted yet';
  // The registry is never reached.
  const early = await anchorRun(run.spec, { worker, rpc, registry: owner }, { account: owner }).then(
    () => {
      throw new AcceptedError(what);
    },
    (error: unknown) => {
      if (error instanceof NotAttestedError) return error.message;
      throw error;
    },
  );
  const { run: complete } = await submitProofs(worker, run.id, files.slice(-1), told);
  teller.say(`run ${run.id}: ${complete.complete ? 'complete' : 'incomplete'}`);
  return { what, by: 'anchor', why: early };
}

async function checkGood(teller: Teller, compute: Compute, sources: CheckSources): Promise<Answers> {
  const answers = await checkAdapter(compute.backend, sources);
  if (QUESTIONS.some((question) => answers[question].answer !== 'yes')) throw new DemoError(answers);
  teller.say(answersText(answers));
  return answers;
}

/** Everything that was shown, for machines. */
function summary(
  { opened: { run }, outcome }: Trained,
  proofs: readonly SegmentProof[],
  anchor: Readonly<Record<string, string | number>>,
  answers: Answers,
  refusals: readonly Refusal[],
) {
  const [before, after] = outcome.evaluations.map(({ mean }) => mean);
  const segments = proofs.map(({ range, bytes, verified, phases }) => {
    return { ...range, bytes, soundnessBits: verified.soundnessBits, phases };
  });
  return {
    runId: run.id,
    training: { steps: run.spec.steps, losses: outcome.losses.map(({ mean }) => mean), heldOut: { before, after } },
    segments,
    anchor,
    answers,
    refusals,
  };
}
