/** Layouts: blocks aligned and dense, natural cells packed where functionals look for them. */
import { describe, expect, it } from 'vitest';
import { ONE, lift, type Ext } from '../../protocol/extension.ts';
import { dot, eqRange } from '../../protocol/multilinear.ts';
import { compile } from '../../protocol/program/circuit.ts';
import { llamaProgram } from '../../protocol/program/llama.ts';
import { shapeOf, stackOf, type Placement } from '../../protocol/program/layout.ts';
import { packStack } from '../../protocol/program/pack.ts';
import { axis, sizeOf, type Axis, type Cells } from '../../protocol/program/tensors.ts';
import { AddressPoint, onCells, weightVector, type AxisWeight } from '../../protocol/program/weights.ts';
import { DEFAULT_WIDTHS, defaultScales, type ModelShape } from '../../protocol/program/config.ts';
import { codeShape } from '../../protocol/parameters.ts';

const cells = (name: string, ...axes: Axis[]): Cells => ({ name, oracle: 'witness', axes, bits: 8 });
const SAMPLES = [
  cells('a', axis('layer', 5, true), axis('row', 4), axis('feed', 172)),
  cells('b', axis('feed', 12), axis('hidden', 6)),
  cells('c', axis('one', 1), axis('token', 8), axis('odd', 7)),
  cells('d', axis('scalar', 1)),
];

const random = (i: number): Ext => [(BigInt(i) * 0x9e3779b97f4a7c15n) % 0xffffffff00000001n, BigInt(i * i + 3)];

describe('a stack', () => {
  const stack = stackOf(SAMPLES);
  const natural = new Map(
    SAMPLES.map((c, k) => [c.name, Uint32Array.from({ length: sizeOf(c.axes) }, (_, i) => 1000 * k + i)]),
  );

  it('is dense, with every block aligned', () => {
    const placements = [...stack.placements.values()];
    expect(stack.length).toBe(placements.reduce((n, p) => n + sizeOf(p.cells.axes), 0));
    for (const p of placements) expect(p.base % 2 ** p.loBits).toBe(0);
    const packed = packStack(stack, natural);
    expect(Uint32Array.from(packed).sort()).toEqual(
      Uint32Array.from([...natural.values()].flatMap((v) => [...v])).sort(),
    );
  });

  it.each(SAMPLES.map((c) => c.name))(
    'a functional on %s is the same over natural cells and over addresses',
    (name) => {
      const placement = stack.placements.get(name) as Placement;
      const packed = packStack(stack, natural);
      const { axes } = placement.cells;
      const weights = new Map(
        axes.map((a, k): [string, AxisWeight] => {
          const coords = Array.from({ length: Math.ceil(Math.log2(a.size)) }, (_, i) => random(10 * k + i + 1));
          const point: AxisWeight = { kind: 'point', coords };
          return [a.name, a.short ? { kind: 'vector', values: weightVector(a, point) } : point];
        }),
      );
      // Σ over natural indices of the product of axis weights times the cell
      let flat: Ext[] = [ONE];
      for (const a of axes) {
        const vector = weightVector(a, weights.get(a.name) as AxisWeight);
        flat = flat.flatMap((w) => vector.map((v) => dot([w], [v])));
      }
      const direct = dot(
        flat,
        Array.from(natural.get(name) as Uint32Array, (v) => lift(BigInt(v))),
      );
      const functional = onCells(placement, ONE, weights);
      // The extension of the weights is linear in each address: its values at addresses weigh the packed cells.
      const addresses = Array.from({ length: stack.bits }, (_, i) => random(i + 77));
      const table = Array.from({ length: stack.length }, (_, i) => i).map((i): Ext => {
        const bits = Array.from({ length: stack.bits }, (__, k): Ext => [BigInt(Math.floor(i / 2 ** k) % 2), 0n]);
        return new AddressPoint(bits).evaluate(functional);
      });
      expect(
        dot(
          table,
          Array.from(packed, (v) => lift(BigInt(v))),
        ),
      ).toEqual(direct);
      expect(new AddressPoint(addresses).evaluate(functional)).toEqual(dot(table, eqRange(addresses, 0, stack.length)));
    },
  );

  it('an axis splits into an odd digit and a power of two', () => {
    const shape = shapeOf([axis('feed', 172), axis('layer', 6, true)]);
    expect(shape.hi.map((d) => [d.axis.name, d.size, d.stride])).toEqual([
      ['feed', 43, 4],
      ['layer', 6, 1],
    ]);
    expect([shape.blocks, shape.loBits]).toEqual([43 * 6, 2]);
  });
});

/** [hidden, feed, layers, heads, kv heads, head dimension, vocabulary] */
const MODELS: Record<string, [number, number, number, number, number, number, number]> = {
  stories260k: [64, 172, 5, 8, 4, 8, 512],
  'SmolLM2-135M': [576, 1536, 30, 9, 3, 64, 49152],
  'Llama-3.2-1B': [2048, 8192, 16, 32, 8, 64, 128256],
  'Llama-3.2-3B': [3072, 8192, 28, 24, 8, 128, 128256],
  'Llama-2-7B': [4096, 11008, 32, 32, 32, 128, 32000],
  'Llama-2-13B': [5120, 13824, 40, 40, 40, 128, 32000],
};

describe('padding of the witness', () => {
  it.each(Object.keys(MODELS))('is below 5 per cent for %s', (name) => {
    const [hiddenSize, intermediateSize, layers, heads, kvHeads, headDim, vocabSize] = MODELS[name];
    const model: ModelShape = {
      hiddenSize,
      intermediateSize,
      layers,
      heads,
      kvHeads,
      headDim,
      vocabSize,
      ropeTheta: '10000',
      rmsNormEps: '1e-05',
    };
    const program = llamaProgram({
      model,
      lora: { rank: 8, alpha: 16, targets: ['q_proj', 'v_proj'] },
      scales: defaultScales(64),
      widths: { ...DEFAULT_WIDTHS, residual: 25 },
      batch: 4,
      seqLen: 64,
      steps: 1,
      dataRows: 1000,
      optimizer: { kind: 'adamw', beta1: 6554n, beta2: 1049n, steps: [{ rate: 1n, epsilon: 1n, decay: 0n }] },
      counts: [256],
    });
    const { stacks } = compile(program);
    const { columns, logHeight } = codeShape('witness', stacks.witness.length);
    const used = [...stacks.witness.placements.values()].reduce((n, p) => n + sizeOf(p.cells.axes), 0);
    expect(used / (columns * 2 ** logHeight)).toBeGreaterThan(0.95);
  });
});
