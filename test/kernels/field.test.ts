import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openDevice, type GpuDevice } from '../../prover/backend/device.ts';
import { GpuQueue } from '../../prover/backend/gpu-queue.ts';
import { GpuVectors } from '../../prover/backend/gpu-vectors.ts';
import * as F from '../../protocol/extension.ts';
import type { Ext } from '../../protocol/extension.ts';
import { P, mod } from '../../protocol/field.ts';

const EDGES = [
  0n,
  1n,
  2n,
  0xffffn,
  0x10000n,
  0xfffffffen,
  0xffffffffn,
  0x100000000n,
  0x1ffffffffn,
  P - 0xffffffffn,
  P - 2n,
  P - 1n,
];
const TOP = 2n ** 64n - 1n;

/** A fixed stream of field elements (a multiplicative generator modulo p), so that failures repeat. */
function* stream(): Generator<bigint> {
  for (let x = 0x9e3779b97f4a7c15n % P; ; x = (x * 0xd1342543de82ef95n + 1n) % P) yield x;
}

function pairs(): [Ext, Ext][] {
  const next = stream();
  const draw = (): bigint => next.next().value as bigint;
  const edges: [Ext, Ext][] = EDGES.flatMap((x) =>
    EDGES.flatMap((y): [Ext, Ext][] => [
      [
        [x, y],
        [y, x],
      ],
      [
        [x, draw()],
        [y, draw()],
      ],
      [
        [x, x],
        [y, y],
      ],
      [
        [draw(), y],
        [draw(), x],
      ],
    ]),
  );
  return [
    ...edges,
    ...Array.from({ length: 2000 }, (): [Ext, Ext] => [
      [draw(), draw()],
      [draw(), draw()],
    ]),
  ];
}

/** The 64-bit value with both words of a inverted. */
const inverted = (a: bigint): bigint => TOP - a;

/** What field-check.wgsl computes, in its order. */
const EXPECTED: Record<string, (a: Ext, b: Ext) => Ext> = {
  ext_add: F.add,
  ext_sub: F.sub,
  ext_neg: F.neg,
  ext_mul: F.mul,
  ext_mul_base: (a, b) => F.scale(a, b[0]),
  ext_scale_u32: (a, b) => F.scale(a, b[0] & 0xffffffffn),
  '128 products and one reduction': (a, b) => F.scale(F.mul(a, b), 128n),
  'fp_mul and fp_canonical above p': (a, b) => [
    mod(inverted(a[0]) * inverted(b[0])),
    mod(0xffffffff00000000n + (b[0] & 0xffffffffn)),
  ],
};

describe('field.wgsl agrees with BigInt', () => {
  let gpu: GpuDevice;
  let results: Ext[];
  const samples = pairs();

  beforeAll(async () => {
    gpu = await openDevice();
    const queue = new GpuQueue(gpu);
    const vectors = new GpuVectors(queue);
    const a = vectors.uploadExt(samples.map(([x]) => x));
    const b = vectors.uploadExt(samples.map(([, y]) => y));
    const out = vectors.ext(8 * samples.length);
    queue.dispatch(
      'field-check',
      Math.ceil(samples.length / 64),
      [samples.length],
      [a.chunks[0], b.chunks[0], out.chunks[0]],
    );
    results = await vectors.downloadExt(out);
  });
  afterAll(() => gpu.close());

  test.each(Object.entries(EXPECTED).map(([name, f], k) => [name, f, k] as const))('%s', (_, f, k) => {
    const got = results.slice(k * samples.length, (k + 1) * samples.length);
    expect(got).toEqual(samples.map(([a, b]) => f(a, b)));
  });
});
