/**
 * The program of LoRA fine-tuning of a LLaMA model: forward, loss, backward and update of every step of a segment, written
 * once. It drives the training, the prover's relations and the verifier's.
 */
import { Backward } from './backward.ts';
import { term, use } from './builder.ts';
import { Context } from './context.ts';
import type { ProgramConfig } from './config.ts';
import { forward } from './forward.ts';
import type { OneHotTensor, Tensor } from './tensors.ts';
import type { Program, Relation } from './relations.ts';
import { update } from './update.ts';

export interface LlamaProgram extends Program {
  readonly config: ProgramConfig;
  /** Σ mask·onehot(label)·u + loss_t = 0 per step; the public losses, where stated, are the constant. */
  readonly loss: Relation;
  /** Named tensors for callers that feed or read the training: token bits, mask, adapter and moment chains. */
  readonly mask: Tensor;
  readonly inputs: OneHotTensor;
  readonly labels: OneHotTensor;
}

/** @throws RangeError naming the first setting that no program exists for. */
export function llamaProgram(config: ProgramConfig): LlamaProgram {
  check(config);
  const ctx = new Context(config);
  ctx.declareLora();
  const f = forward(ctx);
  ctx.z = f.z;
  const back = new Backward(ctx, f);
  back.run();
  for (const [target, site] of ctx.lora) {
    const gradient = back.sites.get(target);
    if (gradient !== undefined) update(ctx, site, gradient);
  }
  const { x, b, mask, labels, inputs } = ctx;
  // n_t is the number of unmasked labels
  b.relation(
    'count',
    [x.step],
    [term(1n, use(mask)), { coef: -1n, scale: { axis: x.step.name, values: config.counts.map(BigInt) }, factors: [] }],
  );
  const loss: Relation = { name: 'loss', domain: [x.step], terms: [term(1n, use(mask), use(labels), use(f.shifted))] };
  return { ...b.finish(), config, loss, mask, inputs, labels };
}

const isPowerOfTwo = (n: number): boolean => Number.isInteger(n) && n > 0 && (n & (n - 1)) === 0;

function check(c: ProgramConfig): void {
  for (const key of ['batch', 'seqLen', 'steps'] as const)
    if (!isPowerOfTwo(c[key])) throw new RangeError(`${key} is ${c[key]}; it must be a power of two`);
  checkScales(c);
  const { model, lora } = c;
  if (model.heads % model.kvHeads !== 0)
    throw new RangeError(`${model.heads} heads do not share ${model.kvHeads} key-value heads evenly`);
  if (model.headDim % 2 !== 0) throw new RangeError(`head dimension ${model.headDim} is odd`);
  if (c.counts.length !== c.steps || c.optimizer.steps.length !== c.steps)
    throw new RangeError(`a segment of ${c.steps} steps needs as many counts and optimiser constants`);
  const empty = c.counts.findIndex((n) => n < 1);
  if (empty >= 0) throw new RangeError(`step ${empty} of the segment has no unmasked label`);
  if (lora.targets.length === 0) throw new RangeError('no LoRA target is named');
  const kappa = (256 * lora.alpha) / lora.rank;
  if (!Number.isInteger(kappa) || kappa < 1 || kappa > 4096)
    throw new RangeError(`2^8·alpha/rank is ${kappa}; it must be an integer from 1 to 4096`);
}

/** Widest table of one lookup, log₂ of its rows and of its entries' size: evaluations of tables are exact up to 2^26. */
const TABLE_BITS = 26;

/** The tables' scales are part of the protocol; from 10 bits on T(1) > 2^P, so that μ is at least the largest score. */
function checkScales({ scales, widths }: ProgramConfig): void {
  const fixed = { activation: 12, score: 10, rope: 14 } as const;
  for (const [name, value] of Object.entries(fixed))
    if (scales[name as keyof typeof fixed] !== value) throw new RangeError(`the scale of ${name} must be ${value}`);
  for (const name of ['attention', 'vocabulary'] as const)
    if (scales[name] < 10 || scales[name] >= TABLE_BITS)
      throw new RangeError(`the scale of ${name} must be 10 to ${TABLE_BITS - 1}`);
  for (const name of ['gate', 'spread', 'widest'] as const)
    if (widths[name] > TABLE_BITS) throw new RangeError(`the width of ${name} must be at most ${TABLE_BITS}`);
}
