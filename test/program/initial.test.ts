import { describe, expect, test } from 'vitest';
import { TARGETS, orderTargets, projectionShape } from '../../protocol/program/adapter.ts';
import { initialAdapter, initialBound } from '../../protocol/program/initial.ts';

const dimensions = { hiddenSize: 64, intermediateSize: 172, heads: 8, kvHeads: 4, headDim: 8 };
const seed = new Uint8Array(32).fill(7);
const shape = { dimensions, layers: 3, rank: 6, alpha: 12, targets: TARGETS };

describe('projectionShape', () => {
  test('follows the architecture', () => {
    const wide = { ...dimensions, heads: 10 };
    expect(TARGETS.map((target) => projectionShape(wide, target))).toEqual([
      { in: 64, out: 80 },
      { in: 64, out: 32 },
      { in: 64, out: 32 },
      { in: 80, out: 64 },
      { in: 64, out: 172 },
      { in: 64, out: 172 },
      { in: 172, out: 64 },
    ]);
  });

  test('targets are put in order, once each', () => {
    expect(orderTargets(['v_proj', 'q_proj', 'v_proj'])).toEqual(['q_proj', 'v_proj']);
  });
});

describe('initialAdapter', () => {
  const adapter = initialAdapter(seed, shape);

  test('has the shapes of PEFT, and lora_B is 0', () => {
    expect(adapter.layers.length).toBe(3);
    for (const layer of adapter.layers) {
      for (const target of TARGETS) {
        const widths = projectionShape(dimensions, target);
        expect(layer[target]?.A.length).toBe(6 * widths.in);
        expect(layer[target]?.B).toEqual(new Int32Array(6 * widths.out));
      }
    }
  });

  test('lora_A is uniform in ±1/√in', () => {
    for (const target of ['q_proj', 'down_proj'] as const) {
      const width = projectionShape(dimensions, target).in;
      const bound = initialBound(width);
      expect(bound).toBe(Math.floor(2 ** 22 / Math.sqrt(width)));
      const values = adapter.layers.flatMap((layer) => [...(layer[target]?.A ?? [])]);
      expect(Math.max(...values)).toBeLessThanOrEqual(bound);
      expect(Math.min(...values)).toBeGreaterThanOrEqual(-bound);
      expect(Math.max(...values)).toBeGreaterThan(0.98 * bound);
      const mean = values.reduce((sum, w) => sum + w, 0) / values.length / bound;
      const square = values.reduce((sum, w) => sum + w * w, 0) / values.length / bound ** 2;
      // Six standard deviations: of the mean √(1/3n), of the mean square √(4/45n).
      expect(Math.abs(mean)).toBeLessThan(6 * Math.sqrt(1 / 3 / values.length));
      expect(Math.abs(square - 1 / 3)).toBeLessThan(6 * Math.sqrt(4 / 45 / values.length));
    }
  });

  test('the bound is a floor, also for widths that are no squares', () => {
    for (const width of [1, 2, 3, 64, 172, 576, 4096, 11008]) {
      const bound = BigInt(initialBound(width));
      expect(bound * bound * BigInt(width) <= 1n << 44n).toBe(true);
      expect((bound + 1n) * (bound + 1n) * BigInt(width) > 1n << 44n).toBe(true);
    }
  });

  test('stays the same for ever', () => {
    const { A } = initialAdapter(seed, { ...shape, rank: 8 }).layers[0].q_proj!;
    expect([...A.subarray(0, 4)]).toEqual([207106, -209220, 498745, 409964]);
  });

  test('a matrix depends on seed, layer and target, not on the other targets', () => {
    const alone = initialAdapter(seed, { ...shape, targets: ['v_proj'] });
    expect(alone.targets).toEqual(['v_proj']);
    expect(Object.keys(alone.layers[0])).toEqual(['v_proj']);
    expect(alone.layers[1].v_proj).toEqual(adapter.layers[1].v_proj);
    const { layers } = adapter;
    expect(layers[0].v_proj?.A).not.toEqual(layers[1].v_proj?.A);
    expect(layers[0].v_proj?.A).not.toEqual(layers[0].k_proj?.A);
    expect(
      initialAdapter(
        seed.map((byte) => byte + 1),
        shape,
      ).layers[0].q_proj,
    ).not.toEqual(layers[0].q_proj);
  });
});
