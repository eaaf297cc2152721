/** `./zklora check`. */
import { readBatch } from '../chain/batch-file.ts';
import { addressGiven, registryGiven } from '../chain/requests.ts';
import { registryOfFile } from '../chain/run-call.ts';
import { openBackend, type BackendChoice } from '../compute.ts';
import { ProverError } from '../errors.ts';
import { QUESTIONS, answersText, type Question } from './answers.ts';
import type { Registry } from './anchored.ts';
import { checkAdapter } from './check.ts';
import type { Trust } from './quorum.ts';

export interface CheckRequest {
  readonly proofs?: string;
  readonly worker?: string;
  /** Addresses; several with `threshold`. */
  readonly attester?: readonly string[];
  /** Address of an `AttesterSet`, with `threshold`. */
  readonly attesterSet?: string;
  /** How many of them must have attested. */
  readonly threshold?: number;
  readonly rpc?: string;
  readonly registry?: string;
  readonly chain?: string;
  /** File of a batch that the record may be in. */
  readonly batch?: string;
  readonly chainId?: number;
  readonly fromBlock?: number;
  readonly require?: readonly string[];
  readonly backend: BackendChoice;
  readonly json: boolean;
}

/** What was asked cannot be answered so. */
class CheckRequestError extends ProverError {}

/**
 * Prints the four answers.
 *
 * @returns the exit status: 0 when every required answer is yes. Required are integrity and proof, attested where a
 *   service or a threshold is named, anchored where a chain is; or what --require lists
 */
export async function checkCommand(adapter: string, request: CheckRequest): Promise<number> {
  const required = requiredOf(request);
  const { proofs = null, worker = null } = request;
  const attester = trustOf(request);
  const registry = await registryOf(request);
  const backend = await openBackend(request.backend);
  try {
    const answers = await checkAdapter(backend, { adapter, proofs, worker, attester, registry });
    const lacking = required.filter((question) => answers[question].answer !== 'yes');
    if (request.json) process.stdout.write(`${JSON.stringify({ answers, required, lacking })}\n`);
    else process.stdout.write(`${answersText(answers)}\n`);
    if (lacking.length > 0) process.stderr.write(`Not what was asked for: ${lacking.join(', ')}.\n`);
    return lacking.length === 0 ? 0 : 1;
  } finally {
    backend.close();
  }
}

function requiredOf({ require, worker, threshold, rpc, chain }: CheckRequest): readonly Question[] {
  if (require === undefined) {
    const asked = {
      integrity: true,
      proof: true,
      attested: worker !== undefined || threshold !== undefined,
      anchored: (rpc ?? chain) !== undefined,
    };
    return QUESTIONS.filter((question) => asked[question]);
  }
  return require.map((name) => {
    const question = QUESTIONS.find((q) => q === name);
    if (question === undefined)
      throw new CheckRequestError(`"${name}" is none of the answers`, `Choose from ${QUESTIONS.join(', ')}.`);
    return question;
  });
}

/** Whose attestations count. @throws CheckRequestError, RequestError */
function trustOf({ attester = [], attesterSet, threshold, rpc, chain }: CheckRequest): Trust {
  const attesters = [...new Set(attester.map(addressGiven))];
  if (attesterSet !== undefined) {
    const set = addressGiven(attesterSet);
    if (attesters.length > 0)
      throw new CheckRequestError('--attester and --attester-set contradict each other', 'Give one of them.');
    if (threshold === undefined)
      throw new CheckRequestError('how many members of the set must have attested is not said', 'Give --threshold.');
    if ((rpc ?? chain) === undefined)
      throw new CheckRequestError('an attester set is asked on its chain', 'Give --rpc and --registry.');
    return { set, threshold };
  }
  if (threshold === undefined) {
    if (attesters.length < 2) return attesters[0] ?? null;
    throw new CheckRequestError('how many of the attesters must have attested is not said', 'Give --threshold.');
  }
  if (attesters.length === 0)
    throw new CheckRequestError(
      '--threshold counts attesters, and none is named',
      'Give --attester or --attester-set.',
    );
  if (threshold <= attesters.length) return { attesters, threshold };
  throw new CheckRequestError(
    `${threshold} attesters must have attested, but ${attesters.length} are named`,
    'Give a lower --threshold, or more attesters, each once.',
  );
}

/** The registry to ask, with the batch that the record may be in; null where none is named. */
async function registryOf(request: CheckRequest): Promise<Registry | null> {
  const { rpc, chain, batch: file, fromBlock } = request;
  const batch = file === undefined ? undefined : await readBatch(file);
  const registry = request.registry ?? batch?.registry;
  if (rpc === undefined && chain === undefined && registry === undefined) return null;
  if ((rpc === undefined && chain === undefined) || registry === undefined)
    throw new CheckRequestError('a registry is found by its node and its address', 'Give both --rpc and --registry.');
  const at = await registryGiven({ ...request, registry });
  if (file !== undefined && batch !== undefined) registryOfFile(file, batch, at);
  const chainId = at.chainId ?? batch?.chainId;
  return { ...at, chainId, fromBlock: BigInt(fromBlock ?? 0), batch };
}
