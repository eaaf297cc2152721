import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';

import { maxAdapterFileBytes } from '../../commitment/adapter-file.ts';
import { adapterRootOfFile } from '../../commitment/adapter-root.ts';
import { fileDigests } from '../../commitment/digests.ts';
import type { Env } from '../../worker/env.ts';
import { fileCost } from '../../worker/routes/files.ts';
import { Store } from '../../worker/store/store.ts';
import { SAMPLE_ADAPTER_ROOT, sampleAdapterFile } from '../support/sample-adapter.ts';
import { root, SAMPLE_RUN } from '../support/statements.ts';
import { ask, problemIn, withKey } from './client.ts';
import { sample, sampleSegment } from './records.ts';

const store = new Store(env);
const file = sampleAdapterFile();
const header = Number(new DataView(file.buffer).getBigUint64(0, true));
const whole = sample({ segment: { ...sampleSegment(0, 8), adapterOut: SAMPLE_ADAPTER_ROOT } });
const { runId } = whole.record;
/** Another run of the same shape, which ends elsewhere. */
const other = sample({ run: { ...SAMPLE_RUN, nonce: root(2) }, segment: sampleSegment(0, 8) });
/** The two halves of a run. */
const halved = { ...SAMPLE_RUN, nonce: root(5) };
const early = sample({ run: halved, segment: sampleSegment(0, 4) });
const last = sample({ run: halved, segment: { ...sampleSegment(4, 4), adapterOut: SAMPLE_ADAPTER_ROOT } });
/** A run of another shape, of which somebody proved steps up to the adapter's root. */
const otherShape = { ...SAMPLE_RUN, nonce: root(3), lora: { ...SAMPLE_RUN.lora, rank: 16, alpha: 16 } };
const foreign = sample({ run: otherShape, segment: { ...sampleSegment(4, 1), adapterOut: SAMPLE_ADAPTER_ROOT } });
const largeRun = { ...SAMPLE_RUN, nonce: root(4), model: { ...SAMPLE_RUN.model, hiddenSize: 4096, layers: 32 } };
const large = sample({ run: largeRun, segment: sampleSegment(0, 8) });

beforeAll(async () => {
  for (const { bytes, record } of [whole, other, foreign, large, early]) await store.accept(bytes, record);
});

const BYTES = { 'content-type': 'application/octet-stream' };

let requests = 0;
/** Each request is of another address: how many one may make is not what is tested here. */
function show(body: BodyInit | null, id = runId, headers: Record<string, string> = BYTES, bindings: Env = withKey) {
  const address = `203.0.${++requests >> 8}.${requests & 255}`;
  const init = { method: 'POST', headers: { ...headers, 'cf-connecting-ip': address }, body };
  return ask(`/runs/${id}/files`, init, bindings);
}

/** The same adapter with other metadata: its header's text is another, and so is its file's digest. */
function withMetadata(text: string): Uint8Array<ArrayBuffer> {
  const json = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + header))) as object;
  const changed = new TextEncoder().encode(JSON.stringify({ ...json, __metadata__: { note: text } }));
  const bytes = new Uint8Array(8 + changed.length + file.length - 8 - header);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(changed.length), true);
  bytes.set(changed, 8);
  bytes.set(file.subarray(8 + header), 8 + changed.length);
  return bytes;
}

/** The file with one bit of a byte changed. */
function changed(at: number, bit = 1): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(file);
  bytes[at] ^= bit;
  return bytes;
}

const filesInBucket = async (): Promise<number> => (await env.PROOFS.list({ prefix: 'files/' })).objects.length;

describe('POST /runs/{id}/files', () => {
  test('a file of the run is found by its digests from then on, and is not kept', async () => {
    const digests = fileDigests(file);
    expect(await store.named(digests.file)).toBeNull();
    const response = await show(Uint8Array.from(file));
    expect(response.status).toBe(200);
    const shown = await response.json();
    expect(shown).toMatchObject({ ...digests, adapterRoot: SAMPLE_ADAPTER_ROOT, runId });
    expect(await store.named(digests.file)).toEqual({ kind: 'file', adapterRoot: SAMPLE_ADAPTER_ROOT });
    expect(await store.named(digests.tensors)).toEqual({ kind: 'tensors', adapterRoot: SAMPLE_ADAPTER_ROOT });
    expect(await (await show(Uint8Array.from(file))).json()).toEqual(shown);
    const { objects } = await env.PROOFS.list();
    expect(objects.filter((object) => object.size === file.length)).toEqual([]);
  });

  test('other metadata make another file of the same tensors', async () => {
    const renamed = withMetadata('trained by somebody');
    const shown = await (await show(renamed)).json<{ file: string; tensors: string }>();
    expect(shown.file).toBe(fileDigests(renamed).file);
    expect(shown.file).not.toBe(fileDigests(file).file);
    expect(shown.tensors).toBe(fileDigests(file).tensors);
  });

  test('a weight that differs is told with the root it leads to, and is not stored', async () => {
    const before = await filesInBucket();
    // The highest bit of a float's fraction: still a multiple of 2^-22.
    const bytes = changed(8 + header + 2, 0x40);
    const adapterRoot = adapterRootOfFile(bytes, SAMPLE_RUN);
    const problem = await problemIn(await show(bytes));
    const evidence = { adapterRoot, runId };
    expect(problem).toMatchObject({ status: 422, code: 'ADAPTER_ROOT', check: 'adapter root', evidence });
    expect(await store.named(fileDigests(bytes).file)).toBeNull();
    expect(await filesInBucket()).toBe(before);
  });

  test('a file is not taken for a run whose last proofs are still missing: to be shown again later', async () => {
    const id = early.record.runId;
    const problem = await problemIn(await show(Uint8Array.from(file), id));
    const evidence = { adapterRoot: SAMPLE_ADAPTER_ROOT, runId: id };
    expect(problem).toMatchObject({ status: 409, code: 'RUN_INCOMPLETE', check: 'adapter root', evidence });
    await store.accept(last.bytes, last.record);
    expect((await show(Uint8Array.from(file), id)).status).toBe(200);
  });

  test('a file is not taken for a run that ends elsewhere', async () => {
    const problem = await problemIn(await show(Uint8Array.from(file), other.record.runId));
    const evidence = { adapterRoot: SAMPLE_ADAPTER_ROOT, runId: other.record.runId };
    expect(problem).toMatchObject({ status: 422, code: 'ADAPTER_ROOT', evidence });
    expect((await store.filesOf(SAMPLE_ADAPTER_ROOT)).every((each) => each.runId === runId)).toBe(true);
  });

  test('a file is not taken for a run of another shape, though a proof of it states that root', async () => {
    const problem = await problemIn(await show(Uint8Array.from(file), foreign.record.runId));
    expect(problem).toMatchObject({ status: 422, code: 'ADAPTER_FILE', check: 'adapter file' });
  });

  test.each([
    ['no safetensors file', () => new TextEncoder().encode('hello, this is no adapter')],
    ['a cut file', () => file.slice(0, -4)],
    ['a file with more behind it', () => Uint8Array.from([...file, 0])],
    ['a header that goes beyond the end', () => changed(6)],
    ['a header that is no JSON', () => changed(8)],
  ])('%s is malformed', async (_, bytes) => {
    const problem = await problemIn(await show(bytes()));
    expect(problem).toMatchObject({ status: 400, code: 'ADAPTER_FILE', check: 'adapter file' });
  });

  test('no bytes, and bytes of another type', async () => {
    expect(await problemIn(await show(null))).toMatchObject({ status: 400, code: 'BODY_EMPTY' });
    const problem = await problemIn(await show(Uint8Array.from(file), runId, { 'content-type': 'application/json' }));
    expect(problem).toMatchObject({ status: 415, code: 'MEDIA_TYPE' });
  });

  test('a run of which nothing is stored', async () => {
    expect(await problemIn(await show(Uint8Array.from(file), root(9)))).toMatchObject({
      status: 404,
      code: 'NOT_FOUND',
    });
    expect(await problemIn(await show(Uint8Array.from(file), 'xyz'))).toMatchObject({ status: 400, code: 'ID' });
    // A manifest alone, as a crash may leave it.
    const { record } = sample({ run: { ...SAMPLE_RUN, nonce: root(8) }, segment: sampleSegment(0, 1) });
    const manifest = { runId: record.runId, run: record.statement.run };
    await env.PROOFS.put(`runs/${record.runId}.json`, JSON.stringify(manifest));
    expect(await problemIn(await show(Uint8Array.from(file), record.runId))).toMatchObject({ status: 404 });
  });

  test('a key that is none', async () => {
    const headers = { ...BYTES, authorization: 'Bearer zkl_nonsense' };
    expect(await problemIn(await show(Uint8Array.from(file), runId, headers))).toMatchObject({ code: 'KEY_UNKNOWN' });
    const closed = { ...withKey, WRITES: 'key' };
    expect(await problemIn(await show(Uint8Array.from(file), runId, BYTES, closed))).toMatchObject({
      status: 401,
      code: 'KEY_REQUIRED',
    });
  });
});

describe('what a file may take', () => {
  const limit = maxAdapterFileBytes(SAMPLE_RUN.lora, SAMPLE_RUN.model);

  test('is no longer than the run allows', async () => {
    expect(file.length).toBeLessThan(limit);
    const problem = await problemIn(await show(new Uint8Array(limit + 1)));
    expect(problem).toMatchObject({ status: 413, code: 'BODY_TOO_LARGE', evidence: { limit } });
    expect(await problemIn(await show(new Uint8Array(limit)))).toMatchObject({ status: 400, code: 'ADAPTER_FILE' });
  });

  test('is not read further', async () => {
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled++;
        controller.enqueue(new Uint8Array(2 ** 16));
      },
    });
    expect(await problemIn(await show(endless))).toMatchObject({ status: 413, evidence: { limit } });
    expect(pulled * 2 ** 16).toBeLessThan(limit + 10 * 2 ** 16);
  });

  test('is refused before anything is read where it is too much', async () => {
    const unread = new ReadableStream<Uint8Array>(
      {
        pull() {
          throw new Error('the body was read');
        },
      },
      { highWaterMark: 0 },
    );
    const problem = await problemIn(await show(unread, large.record.runId));
    const { milliseconds } = fileCost(largeRun);
    expect(problem).toMatchObject({ status: 422, code: 'COST', check: 'cost', evidence: { cost: milliseconds } });
    const strict = { ...withKey, MAX_COST: '1' };
    expect(await problemIn(await show(Uint8Array.from(file), runId, BYTES, strict))).toMatchObject({ code: 'COST' });
  });
});

test('hostile files are refused, and none is stored', async () => {
  const before = await filesInBucket();
  const bodies = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 600 }),
    fc.tuple(fc.nat(header + 64), fc.integer({ min: 1, max: 255 })).map(([at, x]) => changed(at, x)),
    fc.nat(file.length - 2).map((n) => file.slice(0, n + 1)),
  );
  const isRefused = async (body: Uint8Array): Promise<void> => {
    const problem = await problemIn(await show(Uint8Array.from(body)));
    expect(['ADAPTER_FILE', 'ADAPTER_ROOT']).toContain(problem.code);
  };
  // A bit of the header may be one that says nothing, such as a space; then it is the same adapter.
  const refusedOrSame = async (body: Uint8Array): Promise<void> => {
    if (sameAdapter(body)) return;
    await isRefused(body);
  };
  await fc.assert(fc.asyncProperty(bodies, refusedOrSame), { numRuns: 150 });
  expect(await filesInBucket()).toBe(before);
});

function sameAdapter(body: Uint8Array): boolean {
  try {
    return adapterRootOfFile(body, SAMPLE_RUN) === SAMPLE_ADAPTER_ROOT;
  } catch {
    return false;
  }
}
