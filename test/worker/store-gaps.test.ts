/** A process that is stopped between any two calls of R2 and D1 leaves what the next request, or the rebuild, mends. */
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';

import { Store } from '../../worker/store/store.ts';
import { SAMPLE_RUN } from '../support/statements.ts';
import { emptyStore, rebuildAll, rowsOf } from './index-rows.ts';
import { entry, sample, sampleSegment, verifierOf, type RecordOptions } from './records.ts';
import { stopEverywhere, type When } from './stopping.ts';

const store = new Store(env);

let runs = 0;
const nextRun = () => ({ ...SAMPLE_RUN, nonce: (++runs).toString(16).padStart(64, '0') });

/** What a reader may be told of a proof while and after it is stored. */
async function nothingFalse(options: RecordOptions, adapterRoot: string): Promise<void> {
  const { record } = sample(options);
  const [kept, run, [row]] = await Promise.all([
    store.record(record.proofDigest, record.verifier.digest),
    store.run(record.runId),
    store.statuses([adapterRoot]),
  ]);
  if (kept !== null) {
    expect(kept).toEqual(record);
    expect(await store.has(record.proofDigest)).toBe(true);
  }
  const told = run?.segments.filter((segment) => segment.proofDigest === record.proofDigest) ?? [];
  expect(told).toEqual(told.length === 0 ? [] : [entry(options)]);
  if (told.length > 0) expect(kept).not.toBeNull();
  // Completions, what is told of them, and what is watched on a chain come together.
  expect(row.completions.length).toBeLessThanOrEqual(told.length);
  const events = await rowsOf('events', "WHERE data ->> '$.runId' = ?1", record.runId);
  expect(events).toHaveLength(row.completions.length);
  for (const { record: id } of row.completions)
    expect(await rowsOf('anchors', 'WHERE record = ?1', id)).toHaveLength(1);
}

async function expectStored(options: RecordOptions, adapterRoot: string): Promise<void> {
  await nothingFalse(options, adapterRoot);
  const [{ completions }] = await store.statuses([adapterRoot]);
  expect(completions).toMatchObject([{ runId: sample(options).record.runId, adapterRoot }]);
}

/** A run of two segments of which the first is stored; the second is the one that a process is stopped at. */
async function lastSegment(): Promise<{ options: RecordOptions; adapterRoot: string }> {
  const run = nextRun();
  const adapterRoot = run.nonce.replace(/^00/, 'ad');
  const first = sample({ run, segment: sampleSegment(0, 4) });
  await store.accept(first.bytes, first.record);
  return { options: { run, segment: { ...sampleSegment(4, 4), adapterOut: adapterRoot } }, adapterRoot };
}

/** For each stop one case, that is made in advance. */
class Cases<T> {
  readonly #made = new Map<string, T>();
  readonly #make: () => Promise<T>;

  constructor(make: () => Promise<T>) {
    this.#make = make;
  }

  async at(n: number, when: When): Promise<T> {
    const key = `${n} ${when}`;
    if (!this.#made.has(key)) this.#made.set(key, await this.#make());
    return this.#made.get(key)!;
  }
}

describe('stopped while a proof is stored', () => {
  test('the next request of the same proof does the rest', async () => {
    const cases = new Cases(lastSegment);
    const stops = await stopEverywhere(
      async (bindings, n, when) => {
        const { bytes, record } = sample((await cases.at(n, when)).options);
        return new Store(bindings).accept(bytes, record);
      },
      async (n, when) => {
        const { options, adapterRoot } = await cases.at(n, when);
        await nothingFalse(options, adapterRoot);
        const { bytes, record } = sample(options);
        expect(await store.accept(bytes, { ...record, receivedAt: record.receivedAt })).toEqual(record);
        await expectStored(options, adapterRoot);
      },
    );
    // The check for room, three objects of two calls each, and three calls of the index; before and after each.
    expect(stops).toBeGreaterThanOrEqual(18);
  });

  test('a proof that is on record is entered by whoever submits it again, without its bytes', async () => {
    const cases = new Cases(async () => {
      const { options, adapterRoot } = await lastSegment();
      const { record } = sample(options);
      await env.PROOFS.put(`proofs/${record.proofDigest}`, sample(options).bytes);
      await env.PROOFS.put(`records/${record.proofDigest}/${record.verifier.digest}.json`, JSON.stringify(record));
      return { options, adapterRoot };
    });
    await stopEverywhere(
      async (bindings, n, when) => new Store(bindings).index(sample((await cases.at(n, when)).options).record),
      async (n, when) => {
        const { options, adapterRoot } = await cases.at(n, when);
        await nothingFalse(options, adapterRoot);
        await store.index(sample(options).record);
        await expectStored(options, adapterRoot);
      },
    );
  });

  test('the rebuild enters what is on record, and the next request the rest', async () => {
    const cases = new Cases(async () => {
      await emptyStore();
      return lastSegment();
    });
    await stopEverywhere(
      async (bindings, n, when) => {
        const { bytes, record } = sample((await cases.at(n, when)).options);
        return new Store(bindings).accept(bytes, record);
      },
      async (n, when) => {
        const { options, adapterRoot } = await cases.at(n, when);
        const { bytes, record } = sample(options);
        const onRecord = (await store.record(record.proofDigest, record.verifier.digest)) !== null;
        await rebuildAll('mend');
        expect((await rebuildAll('check')).differences).toEqual([]);
        if (onRecord) await expectStored(options, adapterRoot);
        else await nothingFalse(options, adapterRoot);
        await store.accept(bytes, record);
        await expectStored(options, adapterRoot);
      },
    );
  });
});

describe('stopped while a file is stored', () => {
  const shownCase = async () => {
    const { options, adapterRoot } = await lastSegment();
    const { bytes, record } = sample(options);
    await store.accept(bytes, record);
    const id = record.runId;
    return { file: id.replace(/^../, 'f1'), tensors: id.replace(/^../, 'f2'), adapterRoot, runId: id, shownAt: 9 };
  };

  test.each(['the next request', 'the rebuild'])('%s does the rest', async (who) => {
    const cases = new Cases(async () => {
      await emptyStore();
      return shownCase();
    });
    await stopEverywhere(
      async (bindings, n, when) => new Store(bindings).showFile(await cases.at(n, when)),
      async (n, when) => {
        const shown = await cases.at(n, when);
        const named = await store.named(shown.file);
        expect(named).toEqual(named && { kind: 'file', adapterRoot: shown.adapterRoot });
        const onRecord = (await env.PROOFS.head(`files/${shown.adapterRoot}/${shown.file}.json`)) !== null;
        if (who === 'the rebuild') {
          await rebuildAll('mend');
          expect(await store.filesOf(shown.adapterRoot)).toEqual(onRecord ? [shown] : []);
        }
        expect(await store.showFile({ ...shown, shownAt: onRecord ? 10 : 9 })).toEqual(shown);
        expect(await store.named(shown.file)).toEqual({ kind: 'file', adapterRoot: shown.adapterRoot });
        expect(await store.named(shown.tensors)).toEqual({ kind: 'tensors', adapterRoot: shown.adapterRoot });
        expect(await store.filesOf(shown.adapterRoot)).toEqual([shown]);
      },
    );
  });
});

describe('stopped while a verifier version is withdrawn', () => {
  test.each(['the next request', 'the rebuild'])('%s does the rest', async (who) => {
    const cases = new Cases(async () => {
      await emptyStore();
      const run = nextRun();
      const { bytes, record } = sample({ run, segment: sampleSegment(0, 2), verifier: verifierOf(run.nonce) });
      await store.accept(bytes, record);
      return record.verifier;
    });
    const first = { at: 100, reason: 'a hole' };
    const withdrawnOf = async (digest: string) =>
      (await store.verifiers()).find((each) => each.digest === digest)!.withdrawn;
    const eventsOf = (digest: string) => rowsOf('events', "WHERE data ->> '$.verifier' = ?1", digest);
    await stopEverywhere(
      async (bindings, n, when) => new Store(bindings).withdraw((await cases.at(n, when)).digest, first),
      async (n, when) => {
        const { digest } = await cases.at(n, when);
        const told = await withdrawnOf(digest);
        expect(told).toEqual(told && first);
        expect(await eventsOf(digest)).toHaveLength(told === null ? 0 : 1);
        const onRecord = (await env.PROOFS.head(`verifiers/${digest}.withdrawn.json`)) !== null;
        if (who === 'the rebuild') {
          await rebuildAll('mend');
          expect(await withdrawnOf(digest)).toEqual(onRecord ? first : null);
        }
        expect(await store.withdraw(digest, { ...first, at: onRecord ? 200 : 100 })).toEqual(first);
        expect(await withdrawnOf(digest)).toEqual(first);
        expect(await eventsOf(digest)).toHaveLength(1);
      },
    );
  });
});

describe('stopped while a window of a key is announced', () => {
  test.each(['the next request', 'the rebuild'])('%s does the rest', async (who) => {
    const cases = new Cases(async () => {
      await emptyStore();
      return { address: `0x${nextRun().nonce.slice(24)}`, validFrom: 5, validUntil: null };
    });
    await stopEverywhere(
      async (bindings, n, when) => new Store(bindings).announceAttester(await cases.at(n, when), 77),
      async (n, when) => {
        const window = await cases.at(n, when);
        if (who === 'the rebuild') {
          const onRecord = (await env.PROOFS.head(`attesters/${window.address}/000000000077.json`)) !== null;
          await rebuildAll('mend');
          expect((await store.attesters()).some((each) => each.address === window.address)).toBe(onRecord);
        }
        await store.announceAttester(window, 77);
        expect(await store.attesters()).toContainEqual(window);
      },
    );
  });
});
