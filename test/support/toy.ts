/** Toy training runs, small enough for exhaustive checks: random weights, adapter, moments, rows and batches from a seed. */
import { DEFAULT_WIDTHS, type OptimizerSteps, type ProgramConfig, type Widths } from '../../protocol/program/config.ts';
import { TARGETS, type Target } from '../../protocol/program/adapter.ts';
import { llamaProgram, type LlamaProgram } from '../../protocol/program/llama.ts';
import { UniformStream } from '../../protocol/program/stream.ts';
import { sizeOf, type Tensor } from '../../protocol/program/tensors.ts';
import type { Batch, CellMap } from '../../prover/train/engine.ts';
import { encodeEnd } from '../../commitment/chains.ts';

export interface ToyOptions {
  readonly hidden: number;
  readonly feed: number;
  readonly layers: number;
  readonly kvHeads: number;
  /** Query heads of each key-value head. */
  readonly group: number;
  readonly headDim: number;
  readonly vocab: number;
  readonly rank: number;
  readonly alpha: number;
  readonly targets: readonly Target[];
  readonly optimizer: 'sgd' | 'adamw' | 'adamw-decay';
  readonly steps: number;
  readonly batch: number;
  readonly seqLen: number;
  readonly dataRows: number;
  /** Whether some labels are masked. */
  readonly masked: boolean;
  readonly widths: Partial<Widths>;
  readonly seed: number;
}

/** Everything that a segment of a toy run needs. */
export interface Toy {
  readonly name: string;
  readonly config: ProgramConfig;
  readonly program: LlamaProgram;
  readonly base: CellMap;
  /** Cells of adapterIn and momentsIn. */
  readonly state: CellMap;
  /** Cells of `data`. */
  readonly data: CellMap;
  /** Data rows of each step. */
  readonly rows: readonly (readonly number[])[];
  readonly batches: readonly Batch[];
}

const DEFAULTS: ToyOptions = {
  hidden: 6,
  feed: 12,
  layers: 2,
  kvHeads: 2,
  group: 2,
  headDim: 4,
  vocab: 11,
  rank: 3,
  alpha: 6,
  targets: TARGETS,
  optimizer: 'sgd',
  steps: 2,
  batch: 2,
  seqLen: 4,
  dataRows: 5,
  masked: true,
  widths: {},
  seed: 1,
};

/** Small tables: 2^13 rows for softmax and SiLU, range lookups of at most 12 bits. */
const TOY_WIDTHS: Widths = {
  ...DEFAULT_WIDTHS,
  activation: 17,
  residual: 17,
  gate: 13,
  score: 14,
  gradient: 18,
  weightGradient: 22,
  spread: 13,
  frozen: 13,
  widest: 12,
};

/** The toys that tests run over: shapes, targets, optimisers, lengths and masks of every kind. */
export const TOYS: Readonly<Record<string, Partial<ToyOptions>>> = {
  'sgd, all targets': {},
  'adamw, q and v': { optimizer: 'adamw', targets: ['q_proj', 'v_proj'], group: 1, seed: 2 },
  'adamw with decay, one layer, one step': { optimizer: 'adamw-decay', layers: 1, steps: 1, group: 3, seed: 3 },
  'sgd, three layers, full vocabulary': { layers: 3, vocab: 8, group: 1, kvHeads: 1, masked: false, seed: 4 },
  'sgd, attention output and gate': { targets: ['o_proj', 'gate_proj'], layers: 3, steps: 1, seed: 5 },
  'adamw, four steps, down alone': {
    optimizer: 'adamw',
    targets: ['down_proj'],
    steps: 4,
    batch: 1,
    seqLen: 8,
    seed: 6,
  },
  'sgd, keys alone, four steps': { targets: ['k_proj'], steps: 4, batch: 4, hidden: 5, feed: 7, vocab: 13, seed: 7 },
};

/** A random number generator of a seed. */
class Random {
  readonly #stream: UniformStream;

  constructor(seed: number) {
    const bytes = new Uint8Array(32);
    new DataView(bytes.buffer).setUint32(0, seed);
    this.#stream = new UniformStream(bytes, 'toy');
  }

  below(n: number): number {
    return this.#stream.below(n);
  }

  /** Uniform in [−bound, bound]. */
  around(bound: number): number {
    return this.#stream.below(2 * bound + 1) - bound;
  }
}

/** Builds a toy. @param options what differs from a two-layer run of two SGD steps on all targets */
export function toy(options: Partial<ToyOptions> = {}, name = 'toy'): Toy {
  const o: ToyOptions = { ...DEFAULTS, ...options };
  const random = new Random(o.seed);
  const { rows, batches, data } = toyData(o, random);
  const config: ProgramConfig = {
    model: {
      hiddenSize: o.hidden,
      intermediateSize: o.feed,
      layers: o.layers,
      heads: o.kvHeads * o.group,
      kvHeads: o.kvHeads,
      headDim: o.headDim,
      vocabSize: o.vocab,
      ropeTheta: '10000',
      rmsNormEps: '1e-05',
    },
    lora: { rank: o.rank, alpha: o.alpha, targets: o.targets },
    scales: { activation: 12, weight: 10, score: 10, attention: 12, vocabulary: 12, gradient: 12, rope: 14 },
    widths: { ...TOY_WIDTHS, ...o.widths },
    batch: o.batch,
    seqLen: o.seqLen,
    steps: o.steps,
    dataRows: o.dataRows,
    optimizer: optimizerSteps(o),
    counts: batches.map((b) => b.mask.reduce((n, m) => n + m, 0)),
  };
  const program = llamaProgram(config);
  return {
    name,
    config,
    program,
    base: toyBase(program, random),
    state: toyState(program, random),
    data,
    rows,
    batches,
  };
}

/** Every toy of TOYS. */
export function toys(): Toy[] {
  return Object.entries(TOYS).map(([name, options]) => toy(options, name));
}

function optimizerSteps(o: ToyOptions): OptimizerSteps {
  const steps = Array.from({ length: o.steps }, (_, t) => t);
  if (o.optimizer === 'sgd')
    return { kind: 'sgd', momentum: 58982n, steps: steps.map((t) => ({ rate: BigInt(400000 - 7 * t) })) };
  const decay = o.optimizer === 'adamw-decay' ? 5000n : 0n;
  const step = (t: number) => ({ rate: BigInt(134218 + 31 * t), epsilon: BigInt(1 + t), decay });
  return { kind: 'adamw', beta1: 6554n, beta2: 1049n, steps: steps.map(step) };
}

function toyData(o: ToyOptions, random: Random): Pick<Toy, 'rows' | 'batches' | 'data'> {
  const tokens = Array.from({ length: o.dataRows }, () =>
    Array.from({ length: o.seqLen + 1 }, () => random.below(o.vocab)),
  );
  const masks = tokens.map((row) => row.slice(1).map((_, i) => (o.masked && i % 3 === 1 ? random.below(2) : 1)));
  const rows = Array.from({ length: o.steps }, (_, t) =>
    Array.from({ length: o.batch }, (_, r) => (t * o.batch + r) % o.dataRows),
  );
  const batches = rows.map((step): Batch => {
    const pick = (from: number, to: number): Int32Array =>
      Int32Array.from(step.flatMap((r) => tokens[r].slice(from, to)));
    const mask = Uint8Array.from(step.flatMap((r) => masks[r]));
    return { inputs: pick(0, o.seqLen), labels: pick(1, o.seqLen + 1), mask };
  });
  const data = new Map([
    ['data.first', Uint32Array.from(tokens, (row) => row[0])],
    ['data.labels', Uint32Array.from(tokens.flatMap((row) => row.slice(1)))],
    ['data.mask', Uint32Array.from(masks.flat())],
  ]);
  return { rows, batches, data };
}

/** Weights of up to ±0.4 (±0.1 for the gate, whose table is small) at the weights' scale, an embedding of ±1 and gains of about 1 at the activations' scale. */
function toyBase(program: LlamaProgram, random: Random): CellMap {
  const { scales, widths } = program.config;
  const offset = 2 ** widths.frozen;
  const [unit, weight] = [2 ** scales.activation, Math.round(0.4 * 2 ** scales.weight)];
  const out = new Map<string, Uint32Array>();
  for (const { name, oracle, axes } of program.cells) {
    if (oracle !== 'base') continue;
    const draw = (): number => {
      if (name === 'base.embed') return random.around(unit);
      if (name.startsWith('base.gain')) return unit + random.around(unit >> 2);
      return random.around(name === 'base.gate_proj' ? weight >> 2 : weight);
    };
    out.set(
      name,
      Uint32Array.from({ length: sizeOf(axes) }, () => draw() + offset),
    );
  }
  return out;
}

/** A state in the middle of a run: lora_B and the moments are not zero. */
function toyState(program: LlamaProgram, random: Random): CellMap {
  const draw = (chain: Tensor): number => {
    if (chain.name.endsWith('lora_A')) return random.around(2 ** 20);
    if (chain.name.endsWith('lora_B')) return random.around(2 ** 18);
    if (chain.name.endsWith('.v')) return random.below(2 ** 30) * 2 ** 14;
    return random.around(2 ** 22);
  };
  const slice = (chain: Tensor): number[] => Array.from({ length: sizeOf(chain.axes.slice(1)) }, () => draw(chain));
  return new Map([...encodeEnd(program, 'adapterIn', slice), ...encodeEnd(program, 'momentsIn', slice)]);
}
