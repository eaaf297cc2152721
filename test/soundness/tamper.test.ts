/**
 * The tamper manifest: every kind of message of a proof is altered, exchanged, cut and extended, and each change is refused
 * by a check that is meant for it. A new message without a row in the tables below fails the suite.
 */
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { concat } from '../../protocol/bytes.ts';
import { P } from '../../protocol/field.ts';
import { ORACLES } from '../../protocol/program/tensors.ts';
import { alterMessage, skipWork } from '../support/interfere.ts';
import { byLabel, ends, flipped, messages, refusal, type Message } from '../support/messages.ts';
import { micro, prove, verify, type Ran } from '../support/micro.ts';

/**
 * What a change of the transcript leads to, where the next check is a proof of work or a Merkle path: other positions are
 * queried, perhaps more of them than the proof has rows for.
 */
const DERAILED = ['PROOF_OF_WORK', 'MERKLE_ROOT', 'TRUNCATED'];

/**
 * By message: codes that a change of the finished bytes may be refused with (later challenges change with it), and the one
 * code where a prover sends another message and goes on honestly from there. Hints end in no transcript; a prover who sends
 * others does no more than change bytes.
 */
const REFUSALS: Readonly<Record<string, { readonly bytes: readonly string[]; readonly prover: string | null }>> = {
  'bytes statement': { bytes: ['STATEMENT'], prover: 'STATEMENT' },
  'digest root.*': { bytes: ['PROOF_OF_WORK', 'LOOKUP_LAYER'], prover: 'MERKLE_ROOT' },
  'hint code.rows.*': { bytes: ['MERKLE_ROOT'], prover: null },
  'hint code.siblings.*': { bytes: ['MERKLE_ROOT'], prover: null },
  'nonce lookup.grind': { bytes: ['PROOF_OF_WORK', 'LOOKUP_LAYER', 'LOOKUP_ROOT'], prover: 'PROOF_OF_WORK' },
  // The two exchanged still are each other's inverse.
  'element lookup.root': { bytes: ['LOOKUP_ROOT', 'LOOKUP_LAYER'], prover: 'LOOKUP_ROOT' },
  'element lookup.round': { bytes: ['LOOKUP_LAYER'], prover: 'LOOKUP_LAYER' },
  'element lookup.layer': { bytes: ['LOOKUP_LAYER'], prover: 'LOOKUP_LAYER' },
  'element relations.sum': { bytes: ['RELATIONS'], prover: 'RELATIONS' },
  'element relations.round': { bytes: ['RELATIONS'], prover: 'RELATIONS' },
  'element relations.value': { bytes: ['RELATIONS'], prover: 'RELATIONS' },
  'element onehot.round': { bytes: ['ONE_HOT'], prover: 'ONE_HOT' },
  'element onehot.bit': { bytes: ['ONE_HOT'], prover: 'ONE_HOT' },
  'element opening.round': { bytes: ['OPENING'], prover: 'OPENING' },
  'element opening.value': { bytes: ['OPENING'], prover: 'OPENING' },
  'digest code.stack': { bytes: DERAILED, prover: 'MERKLE_ROOT' },
  'nonce code.query.grind': { bytes: DERAILED, prover: 'PROOF_OF_WORK' },
  'element code.round': { bytes: [...DERAILED, 'CODE_OPENING'], prover: 'CODE_OPENING' },
  'digest code.root': { bytes: DERAILED, prover: 'MERKLE_ROOT' },
  'element code.final': { bytes: [...DERAILED, 'CODE_FOLD'], prover: 'CODE_FOLD' },
  'nonce code.grind': { bytes: DERAILED, prover: 'PROOF_OF_WORK' },
  'hint code.leaves': { bytes: ['MERKLE_ROOT'], prover: null },
  'hint code.siblings': { bytes: ['MERKLE_ROOT'], prover: null },
};

/** A message's row in the table: one row for all oracles. */
const rowOf = (key: string): string => key.replace(new RegExp(`\\.(${ORACLES.join('|')})$`), '.*');
const allowed = (key: string): readonly string[] => REFUSALS[rowOf(key)].bytes;

let run: Ran;
let proof: Uint8Array;
let all: Message[];
let labels: Map<string, Message[]>;

beforeAll(async () => {
  run = await micro();
  proof = (await prove(run.instance, run.witness)).bytes;
  const log = verify(proof, run.instance);
  all = messages(log);
  labels = byLabel(log);
});

/** How altered bytes are refused. */
const refused = (bytes: Uint8Array): string => refusal(() => verify(bytes, run.instance));

describe('changed bytes', () => {
  it('accepts the proof as it is', () => {
    expect(refused(proof)).toBe('accepted');
    expect(all.at(-1)).toMatchObject({ at: proof.length - (all.at(-1)?.length ?? 0) });
  });

  it('knows every message', () => {
    expect([...new Set([...labels.keys()].map(rowOf))].sort()).toEqual(Object.keys(REFUSALS).sort());
  });

  it('refuses a flipped bit of every message', () => {
    const found = [...labels].flatMap(([key, list]) =>
      ends(list).map(({ at, length }) => ({ key, code: refused(flipped(proof, at + length - 1)) })),
    );
    expect(found.filter(({ key, code }) => !allowed(key).includes(code))).toEqual([]);
  });

  it('refuses two messages of a kind exchanged', () => {
    const found = [...labels].flatMap(([key, list]) => {
      const of = (m: Message): Uint8Array => proof.subarray(m.at, m.at + m.length);
      const [a] = list;
      const b = list.findLast((m) => m.length === a.length && Buffer.compare(of(m), of(a)) !== 0);
      if (b === undefined) return [];
      const bytes = proof.slice();
      bytes.set(of(b), a.at);
      bytes.set(of(a), b.at);
      return [{ key, code: refused(bytes) }];
    });
    expect(found.length).toBeGreaterThan(8);
    expect(found.filter(({ key, code }) => !allowed(key).includes(code))).toEqual([]);
  });

  it('refuses every opened row exchanged with another', () => {
    const rows = [...labels].filter(([key]) => key.startsWith('hint'));
    const found = rows.map(([key, [{ at, length }]]) => {
      const bytes = proof.slice();
      bytes.copyWithin(at, at + length - 32, at + length);
      bytes.set(proof.subarray(at, at + 32), at + length - 32);
      return { key, code: refused(bytes) };
    });
    expect(found.filter(({ code }) => code !== 'MERKLE_ROOT')).toEqual([]);
  });

  it('refuses a proof cut at and inside every kind of message', () => {
    const cuts = [...labels.values()].flatMap((list) => [list[0].at, list[0].at + 1, (list.at(-1) as Message).at]);
    const found = cuts.map((at) => ({ at, code: refused(proof.slice(0, at)) }));
    expect(found.filter(({ code }) => code !== 'TRUNCATED')).toEqual([]);
  });

  it('refuses a byte more', () => {
    expect(refused(concat(proof, Uint8Array.of(0)))).toBe('TRAILING_BYTES');
  });

  it('refuses a byte left out of, or put into, every kind of message', () => {
    const found = [...labels].flatMap(([key, [{ at }]]) => [
      { key, code: refused(concat(proof.subarray(0, at), proof.subarray(at + 1))) },
      { key, code: refused(concat(proof.subarray(0, at), Uint8Array.of(0), proof.subarray(at))) },
    ]);
    const late = ['TRUNCATED', 'TRAILING_BYTES', 'NOT_CANONICAL', 'MERKLE_ROOT', 'LOOKUP_ROOT'];
    expect(found.filter(({ key, code }) => ![...allowed(key), ...late].includes(code))).toEqual([]);
  });

  it('refuses elements that are not canonical', () => {
    const kinds = [...labels].filter(([key]) => key.startsWith('element') || /code\.(rows|leaves)/.test(key));
    const found = kinds.flatMap(([key, list]) =>
      [P, 2n ** 64n - 1n].map((word, i) => {
        const bytes = proof.slice();
        new DataView(bytes.buffer).setBigUint64(list[0].at + 8 * i, word);
        return { key, code: refused(bytes) };
      }),
    );
    expect(found.filter(({ code }) => code !== 'NOT_CANONICAL')).toEqual([]);
  });
});

describe('a prover who sends one other message and goes on honestly', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  /** Messages that a prover could send otherwise, with the index of one that every later check depends on. */
  const cases = Object.entries(REFUSALS).flatMap(([key, { prover }]) => {
    const label = key.slice(key.indexOf(' ') + 1).replace('*', 'witness');
    const index = { 'lookup.root': 1, 'lookup.round': 60, 'lookup.layer': 11, 'opening.round': 5 }[label] ?? 0;
    return prover === null || key.startsWith('nonce') ? [] : [{ key, label, index, prover }];
  });

  it.each(cases)('$key: $prover', async ({ label, index, prover }) => {
    alterMessage(label, index);
    const { bytes } = await prove(run.instance, run.witness);
    expect(refused(bytes)).toBe(prover);
  });

  it.each(['lookup.grind', 'code.query.grind', 'code.grind'])('%s: a nonce without work', async (label) => {
    skipWork(label);
    const { bytes } = await prove(run.instance, run.witness);
    expect(refused(bytes)).toBe('PROOF_OF_WORK');
  });
});
