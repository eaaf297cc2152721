/** Whatever the bytes are, a verifier answers with one of the declared errors, soon. */
import { beforeAll, describe, expect, it } from 'vitest';
import { ascii, concat, u32 } from '../../protocol/bytes.ts';
import { canonicalJson, type Json } from '../../protocol/canonical.ts';
import { instanceOf } from '../../protocol/instance.ts';
import { UniformStream } from '../../protocol/program/stream.ts';
import { decodeStatement, type Statement } from '../../protocol/statement.ts';
import { verifyProof } from '../../protocol/verify.ts';
import { messages, refusal } from '../support/messages.ts';
import { micro, prove, verify, type Ran } from '../support/micro.ts';
import { microRun } from '../support/micro-run.ts';

const MAGIC = ascii('zkLR');

let run: Ran;
let proof: Uint8Array;
let statement: Statement;

beforeAll(async () => {
  run = await micro();
  proof = (await prove(run.instance, run.witness)).bytes;
  [, { statement }] = await microRun();
});

/** A stream of random numbers that every run of the tests repeats. */
const random = new UniformStream(new Uint8Array(32).fill(0xf2), 'fuzz');
const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => random.below(256));
const pick = <T>(list: readonly T[]): T => list[random.below(list.length)];

/** A proof with some bytes changed, moved, taken out or put in. */
function mutated(original: Uint8Array, places: readonly number[]): Uint8Array {
  let out: Uint8Array = original.slice();
  for (let n = 1 + random.below(3); n > 0; n--) {
    const at = Math.min(out.length - 1, pick(places) + random.below(24));
    const length = 1 + random.below(40);
    const how = random.below(5);
    if (how === 0) out[at] ^= 1 << random.below(8);
    else if (how === 1) out.fill(pick([0, 255, 127]), at, at + length);
    else if (how === 2) out = concat(out.subarray(0, at), out.subarray(at + length));
    else if (how === 3) out = concat(out.subarray(0, at), bytes(length), out.subarray(at));
    else out.copyWithin(at, random.below(out.length), random.below(out.length));
  }
  return out;
}

describe('a verifier of bytes', () => {
  it('refuses random bytes', () => {
    const codes = Array.from({ length: 300 }, (_, i) => refusal(() => verifyProof(bytes(i))));
    expect([...new Set(codes)]).toEqual(['MAGIC']);
  });

  it('refuses random bytes behind a magic number and a length', () => {
    const codes = Array.from({ length: 300 }, (_, i) =>
      refusal(() => verifyProof(concat(MAGIC, u32(random.below(i + 8)), bytes(i)))),
    );
    expect(codes).not.toContain('accepted');
    expect(new Set(codes).size).toBeGreaterThan(1);
  });

  it('refuses random JSON as a statement', () => {
    const value = (depth: number): Json => {
      const kinds: (() => Json)[] = [
        () => null,
        () => random.below(2) === 1,
        () => random.below(2 ** 32),
        () => pick(['', 'zklora/1', '1e-05', 'exact', '0x', '00'.repeat(32)]),
      ];
      if (depth > 0) {
        kinds.push(() => Array.from({ length: random.below(4) }, () => value(depth - 1)));
        kinds.push(() => Object.fromEntries(['run', 'segment', 'first', 'model'].map((k) => [k, value(depth - 1)])));
      }
      return pick(kinds)();
    };
    const codes = Array.from({ length: 200 }, () => {
      const text = ascii(canonicalJson(value(3)));
      return refusal(() => verifyProof(concat(MAGIC, u32(text.length), text)));
    });
    expect(codes).not.toContain('accepted');
  });

  it('refuses a proof mutated at random', () => {
    const places = messages(verify(proof, run.instance)).map((m) => m.at);
    const codes = Array.from({ length: 100 }, () => {
      const other = mutated(proof, places);
      return Buffer.compare(other, proof) === 0 ? 'same' : refusal(() => verify(other, run.instance));
    });
    expect(codes).not.toContain('accepted');
    expect(new Set(codes).size).toBeGreaterThan(5);
  });
});

type Path = readonly string[];

function numbers(value: unknown, path: Path = []): Path[] {
  if (typeof value === 'number') return [path];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => numbers(item, [...path, key]));
}

/** Sizes at and around the limits of what a verifier takes. */
const SIZES = [
  0,
  1,
  2,
  3,
  5,
  8,
  17,
  24,
  26,
  30,
  64,
  255,
  1024,
  4095,
  2 ** 14,
  2 ** 16,
  2 ** 18,
  2 ** 20,
  2 ** 24,
  2 ** 32,
  2 ** 53 - 1,
];

describe('a verifier of statements', () => {
  it('takes or refuses every size of every field, and three fields of any size', () => {
    const paths = numbers(statement);
    const changed = (changes: readonly (readonly [Path, number])[]): Uint8Array => {
      const copy = structuredClone(statement) as unknown as Record<string, unknown>;
      for (const [path, value] of changes) {
        const holder = path.slice(0, -1).reduce((node, key) => node[key] as Record<string, unknown>, copy);
        holder[path.at(-1) as string] = value;
      }
      return ascii(canonicalJson(copy as Json));
    };
    const outcome = (text: Uint8Array): string => refusal(() => instanceOf(decodeStatement(text)));
    // What a public start or a shuffle costs is linear in these; a service bounds it beforehand.
    const bounded = paths.filter((p) => p.at(-1) !== 'dataRows');
    const single = bounded.flatMap((path) => SIZES.map((size) => outcome(changed([[path, size]]))));
    const several = Array.from({ length: 300 }, () =>
      outcome(changed([0, 1, 2].map(() => [pick(bounded), pick(SIZES)] as const))),
    );
    const codes = new Set([...single, ...several]);
    expect([...codes].sort()).toEqual(expect.arrayContaining(['PROGRAM', 'SOUNDNESS', 'STATEMENT_FIELD', 'accepted']));
    expect(
      outcome(
        changed([
          [['run', 'model', 'hiddenSize'], 4095],
          [['run', 'model', 'intermediateSize'], 4095],
        ]),
      ),
    ).toBe('PROGRAM');
  });
});
