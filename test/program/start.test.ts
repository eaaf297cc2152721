/** The public start of a run, evaluated a matrix at a time, is the extension of its stack. */
import { describe, expect, it } from 'vitest';

import { ascii } from '../../protocol/bytes.ts';
import { circuitOf } from '../../protocol/instance.ts';
import { evaluateIntegers } from '../../protocol/multilinear.ts';
import { packStack } from '../../protocol/program/pack.ts';
import { isStartOracle, startCells, startValue, type StartOracle } from '../../protocol/program/start.ts';
import { ORACLES } from '../../protocol/program/tensors.ts';
import type { RunSpec, Statement } from '../../protocol/statement.ts';
import { Transcript } from '../../protocol/transcript.ts';
import { MODEL_SHAPES, stepOf } from '../support/shapes.ts';
import { SAMPLE_RUN } from '../support/statements.ts';

const SEED = new Uint8Array(32).fill(0x5e);
const small = MODEL_SHAPES.stories260K;
const all = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'] as const;
const sgd = { kind: 'sgd', lr: '0.01', momentum: '0.9', schedule: { kind: 'linear', warmup: 1 } } as const;

const odd = { ...small, hiddenSize: 35, intermediateSize: 45, headDim: 6, heads: 12, kvHeads: 6 };

const first = (run: Partial<RunSpec>, model = small): Statement => stepOf(model, run, 0);
const STARTS: [string, Statement][] = [
  ['stories260K', first({})],
  ['every projection, odd rank', first({ lora: { rank: 3, alpha: 3, targets: [...all] } })],
  ['odd dimensions', first({ lora: { rank: 3, alpha: 3, targets: [...all] } }, odd)],
  ['one layer, rank 1', first({ lora: { ...SAMPLE_RUN.lora, rank: 1, alpha: 1 } }, { ...small, layers: 1 })],
  ['limbs of 8 bits, SGD', first({ optimizer: sgd, widths: { ...SAMPLE_RUN.widths, widest: 8 } })],
  ['wider than a sum over doubles', first({}, { ...small, hiddenSize: 3 * 4096, headDim: 3 * 512 })],
];

describe.each(STARTS)('the start of %s', (name, statement) => {
  const { circuit } = circuitOf(statement);
  const cells = startCells(circuit.program, SEED);
  const present = ORACLES.filter((o): o is StartOracle => isStartOracle(o) && circuit.stacks[o].length > 0);

  it('is the extension of its stack', () => {
    expect(present).toEqual(['adapterIn', 'momentsIn']);
    for (const oracle of present) {
      const stack = circuit.stacks[oracle];
      const packed = new Int32Array(packStack(stack, cells));
      const transcript = new Transcript();
      transcript.absorb(oracle, ascii(name));
      const point = Array.from({ length: stack.bits }, () => transcript.challenge('point'));
      const value = startValue(circuit, SEED, oracle, point);
      expect(value).toEqual(evaluateIntegers(packed, 0, point));
      // One cell counts, and another seed is another adapter.
      packed[packed.length >> 1] ^= 1;
      expect(value).not.toEqual(evaluateIntegers(packed, 0, point));
      const other = startValue(circuit, new Uint8Array(32), oracle, point);
      if (oracle === 'adapterIn') expect(other).not.toEqual(value);
      else expect(other).toEqual(value);
    }
  });
});
