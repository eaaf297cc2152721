/**
 * What the tests of the page share: a worker as `wrangler dev` runs it, with one whole run that was really trained, proven
 * and submitted, and a proof of another run that nobody submitted. A process of its own: tells where everything is as one
 * line of JSON, and ends when its standard input does.
 */
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';

import { startWorker, type LocalWorker } from '../../prover/service/dev-server.ts';
import { command } from '../support/command.ts';
import { microRun, proveStatement } from '../support/micro-run.ts';
import { writeFables, writeTinyModel } from '../support/tiny-model.ts';

export interface PageFixture {
  readonly url: string;
  readonly attester: string;
  readonly runId: string;
  readonly adapterRoot: string;
  /** Paths of the run's two proofs in order. */
  readonly proofs: readonly [string, string];
  /** Folder of the run, and of its adapter with zklora.json. */
  readonly run: string;
  readonly adapter: string;
  /** The first of two segments of another run; nobody submitted it. */
  readonly other: string;
  /** For files of the tests. */
  readonly scratch: string;
}

const SETTINGS = {
  parameters: 'strict-100',
  batch: 1,
  seqLen: 8,
  rank: 2,
  alpha: 4,
  targets: ['v_proj'],
  optimizer: 'sgd',
  owner: `0x${'5e'.repeat(20)}`,
  steps: 2,
  widths: { spread: 14, gate: 15, widest: 13 },
};

async function succeed(...args: string[]): Promise<void> {
  const { code, stdout, stderr } = await command(...args);
  if (code !== 0) throw new Error(`${args.join(' ')}: ${stdout}${stderr}`);
}

async function trainAndProve(at: (name: string) => string): Promise<void> {
  await writeTinyModel(at('model'));
  await writeFables(at('data.jsonl'), 4);
  await writeFile(at('config.json'), JSON.stringify(SETTINGS));
  const source = ['--model', at('model'), '--data', at('data.jsonl'), '--config', at('config.json')];
  await succeed('train', ...source, '--out', at('run'));
  await succeed('prove', at('run'));
}

async function proveOther(file: string): Promise<void> {
  const [{ statement, witness }] = await microRun();
  await writeFile(file, await proveStatement(statement, witness));
}

async function prepare(at: (name: string) => string): Promise<{ worker: LocalWorker; fixture: PageFixture }> {
  const attesterKey = generatePrivateKey();
  const worker = await startWorker({ attesterKey, stateDir: at('service') });
  await trainAndProve(at);
  await succeed('submit', at('run'), '--to', worker.url);
  await proveOther(at('other.zklora'));
  const proofs = (await readdir(at('run/proofs'))).sort().map((name) => at(`run/proofs/${name}`));
  const claim = JSON.parse(await readFile(at('run/adapter/zklora.json'), 'utf8')) as Record<string, string>;
  const fixture = {
    url: worker.url,
    attester: privateKeyToAccount(attesterKey).address,
    runId: claim['runId'],
    adapterRoot: claim['adapterRoot'],
    proofs: proofs as [string, string],
    run: at('run'),
    adapter: at('run/adapter'),
    other: at('other.zklora'),
    scratch: at(''),
  };
  return { worker, fixture };
}

if (import.meta.main) {
  const folder = await mkdtemp(join(tmpdir(), 'zklora-page-'));
  const { worker, fixture } = await prepare((name) => join(folder, name));
  process.stdout.write(`${JSON.stringify(fixture)}\n`);
  process.stdin.resume();
  await once(process.stdin, 'end');
  await worker.stop();
  await rm(folder, { recursive: true, force: true });
}
