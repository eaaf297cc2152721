import { maxAdapterFileBytes } from '../../commitment/adapter-file.ts';
import { adapterRootOfFile } from '../../commitment/adapter-root.ts';
import { adapterRootCost, adapterRootMemory } from '../../commitment/cost.ts';
import { fileDigests } from '../../commitment/digests.ts';
import { CommitmentError, TensorFileError } from '../../commitment/errors.ts';
import type { RunSpec } from '../../protocol/statement.ts';
import { authorise } from '../auth.ts';
import { bodySeconds, readBytes, requireBytes } from '../body.ts';
import { MAX_VERIFICATION_MEMORY } from '../cost.ts';
import { limitOf, type Env } from '../env.ts';
import { places } from '../limits/places.ts';
import { requireRate } from '../limits/rate.ts';
import { inTurn } from '../limits/turn.ts';
import { notFound, Problem } from '../problems.ts';
import { declared, routes } from '../serve.ts';
import { Store } from '../store/store.ts';
import type { ShownFile } from '../store/types.ts';

/** Bytes of a file that are hashed, twice, in the time of one unit of `commitment/cost.ts`. */
const BYTES_A_UNIT = 64;
/** Milliseconds of a unit, on a machine that is slower than the one measured. */
const UNIT_MS = 0.001;

/** Seconds that a request may wait for its turn, after reading. */
const WAIT = 60;

/** What showing a file of a run may take; its length is an upper bound too. */
export interface FileCost {
  readonly bytes: number;
  readonly milliseconds: number;
  /** Bytes, the file among them. */
  readonly memory: number;
}

export function fileCost(run: RunSpec): FileCost {
  const bytes = maxAdapterFileBytes(run.lora, run.model);
  const units = adapterRootCost(run) + (2 * bytes) / BYTES_A_UNIT;
  return { bytes, milliseconds: Math.ceil(units * UNIT_MS), memory: bytes + adapterRootMemory(run) };
}

function tooCostly(what: 'time' | 'memory', cost: number, limit: number): Problem {
  const unit = what === 'time' ? 'ms of CPU time' : 'bytes of memory';
  return new Problem(422, {
    code: 'COST',
    detail: `The root of this run's adapter may take ${cost} ${unit}; this worker spends at most ${limit}.`,
    next: 'Look the adapter up by its root, which ./zklora check computes from the file.',
    check: 'cost',
    evidence: { what, cost, limit },
  });
}

/** Before anything is read. @throws Problem (422); SettingError */
function requireAffordable({ milliseconds, memory }: FileCost, env: Env): void {
  const limit = limitOf(env, 'MAX_COST');
  if (milliseconds > limit) throw tooCostly('time', milliseconds, limit);
  if (memory > MAX_VERIFICATION_MEMORY) throw tooCostly('memory', memory, MAX_VERIFICATION_MEMORY);
}

/** @throws Problem (413, and as `readBytes`) */
async function readFile(request: Request, { bytes: limit }: FileCost): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await readBytes(request, limit);
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 413) throw error;
    throw new Problem(413, {
      code: 'BODY_TOO_LARGE',
      detail: `The body is longer than any adapter file of this run, ${limit} bytes.`,
      next: 'Send adapter_model.safetensors as this run wrote it.',
      evidence: { limit },
    });
  }
}

/** What the bytes themselves say. @throws Problem (400 where they are no safetensors file, 422 where no adapter of the run) */
function shown(bytes: Uint8Array, runId: string, run: RunSpec): ShownFile {
  try {
    const adapterRoot = adapterRootOfFile(bytes, run);
    return { ...fileDigests(bytes), adapterRoot, runId, shownAt: Math.floor(Date.now() / 1000) };
  } catch (error) {
    if (!(error instanceof CommitmentError)) throw error;
    const { problem, next } = error;
    const detail = `The file ${problem}.`;
    const status = error instanceof TensorFileError ? 400 : 422;
    throw new Problem(status, { code: 'ADAPTER_FILE', detail, next, check: 'adapter file' });
  }
}

/**
 * POST /runs/{id}/files: an adapter file of a run is shown, and is found by its digests from then on.
 *
 * Nothing is taken on anybody's word: the worker computes the digests and the adapter root from the bytes, and enters
 * them only where a stored proof of this run ends at that root. Commitments to adapters are not salted, so the file alone
 * determines its root, and showing it is all that is needed. It is not kept.
 */
export const fileRoutes = routes().openapi(declared('showFile'), async (c) => {
  const client = await requireRate(c, await authorise(c), 'write');
  requireBytes(c.req.raw);
  const { id: runId } = c.req.valid('param');
  const store = new Store(c.env);
  const run = await store.spec(runId);
  if (run === null)
    throw notFound(`No proof of run ${runId} is stored here.`, 'Submit its proofs first: POST /verify.');
  const cost = fileCost(run);
  requireAffordable(cost, c.env);
  const place = places.take(client, { bytes: 0, memory: 0, milliseconds: 0 }, WAIT);
  try {
    place.await(cost, bodySeconds(cost.bytes));
    const bytes = await readFile(c.req.raw, cost);
    place.grow(cost, WAIT);
    const file = await inTurn(() => shown(bytes, runId, run));
    return c.json(await store.showFile(file), 200, { 'cache-control': 'no-store' });
  } finally {
    place.leave();
  }
});
