/**
 * Hostile bodies through the whole worker: each is refused by a problem that says why, whatever it is, and nothing is
 * stored. 1,000 of them; 100,000 with `./zklora test --full`. A refusal can be had again: body i comes from seed i.
 */
import { env } from 'cloudflare:workers';
import { beforeAll, expect, test } from 'vitest';

import { toHex } from '../../protocol/bytes.ts';
import { runId } from '../../protocol/statement.ts';
import { places } from '../../worker/limits/places.ts';
import { microRun, proveStatement } from '../support/micro-run.ts';
import { ask, problemIn, withKey } from './client.ts';
import { Hostile, type Bytes } from './hostile.ts';

const BODIES = env.FULL === '' ? 1_000 : 100_000;
/** Requests at a time. */
const AT_ONCE = 8;
const REFUSALS = [400, 409, 413, 422];

let proofs: Bytes[];
let id: string;

/** The header of the run's adapter file. */
const HEADER = JSON.stringify({
  __metadata__: { format: 'pt' },
  'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight': {
    dtype: 'F32',
    shape: [1, 4],
    data_offsets: [0, 16],
  },
  'base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight': {
    dtype: 'F32',
    shape: [4, 1],
    data_offsets: [16, 32],
  },
});

const post = (path: string, body: Bytes): Promise<Response> =>
  ask(path, { method: 'POST', body, headers: { 'content-type': 'application/octet-stream' } }, withKey);

const same = (a: Bytes, b: Bytes): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);

beforeAll(async () => {
  const segments = await microRun();
  proofs = [];
  for (const { statement, witness } of segments) proofs.push(Uint8Array.from(await proveStatement(statement, witness)));
  id = toHex(runId(segments[0].statement.run));
  // The run is known, so that its files are looked at.
  expect((await post('/verify', proofs[0])).status).toBe(200);
});

interface Shot {
  readonly kind: string;
  readonly path: string;
  readonly body: Bytes;
}

function shot(seed: number): Shot {
  const hostile = new Hostile(seed);
  const proof = hostile.pick(proofs);
  const proofOf = (kind: string, body: Bytes): Shot => ({ kind, path: '/verify', body });
  // Those that get as far as the verifier take most of the time, so that they are the fewest.
  const at = hostile.below(100);
  if (at < 8) return proofOf('changed', hostile.flipped(proof));
  if (at < 12) return proofOf('cut or longer', hostile.resized(proof));
  if (at < 16) return proofOf('spliced', hostile.spliced(proof, hostile.pick(proofs)));
  if (at < 50) return proofOf('statement', hostile.stated(proof));
  if (at < 70) return proofOf('random', hostile.random());
  return { kind: 'file', path: `/runs/${id}/files`, body: hostile.tensors(HEADER, new Uint8Array(32)) };
}

/** Counts of refusals by kind and code. */
const counts: Record<string, number> = {};

async function fire(seed: number): Promise<void> {
  const { kind, path, body } = shot(seed);
  if (body.length === 0 || proofs.some((proof) => same(proof, body))) return;
  const response = await post(path, body);
  if (!REFUSALS.includes(response.status)) throw new Error(`seed ${seed}, ${kind}: status ${response.status}`);
  const { code } = await problemIn(response);
  const key = `${kind}: ${code}`;
  counts[key] = (counts[key] ?? 0) + 1;
}

function tell(done: number, milliseconds: number): void {
  const lines = Object.entries(counts)
    .sort()
    .map(([key, count]) => `  ${key} ${count}`);
  console.info(`${done} bodies, ${milliseconds / 1000} s\n${lines.join('\n')}`);
}

test(
  `${BODIES} hostile bodies are refused, and nothing is stored`,
  async () => {
    const stored = (await env.PROOFS.list()).objects.length;
    const began = Date.now();
    for (let first = 0; first < BODIES; first += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => fire(first + i)));
      const done = first + AT_ONCE;
      if (done % 10_000 === 0 || done === BODIES) tell(done, Date.now() - began);
    }
    expect((await env.PROOFS.list()).objects.length).toBe(stored);
    expect(places.taken).toBe(0);
    const kinds = ['changed', 'cut or longer', 'spliced', 'statement', 'random', 'file'];
    for (const kind of kinds) expect(Object.keys(counts).filter((key) => key.startsWith(kind))).not.toEqual([]);
    // The control: what was not touched holds.
    const response = await post('/verify', proofs[1]);
    expect(response.status).toBe(200);
  },
  2 * 3_600_000,
);
