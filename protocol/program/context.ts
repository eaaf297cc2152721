/**
 * What the parts of the LLaMA program share: axes, frozen weights, adapter chains, tokens.
 */
import { ProgramBuilder, chained, signed, term, unsigned, use, type View } from './builder.ts';
import type { Target } from './adapter.ts';
import { ADAPTER_BITS, type ProgramConfig } from './config.ts';
import { axis, log2Ceil, type Axis, type OneHotTensor, type Tensor } from './tensors.ts';

/** Axis names are part of the program: the same name means the same evaluation point in every relation. */
export function makeAxes(c: Pick<ProgramConfig, 'model' | 'lora' | 'batch' | 'seqLen' | 'steps' | 'dataRows'>) {
  const m = c.model;
  return {
    step: axis('step', c.steps),
    slice: axis('slice', c.steps + 1, true),
    row: axis('row', c.batch),
    token: axis('token', c.seqLen),
    key: axis('key', c.seqLen),
    layer: axis('layer', m.layers, true),
    /** Layers 1 … L−1. */
    inner: axis('inner', m.layers - 1, true),
    /** Residual stream x_0 … x_L. */
    depth: axis('depth', m.layers + 1, true),
    hidden: axis('hidden', m.hiddenSize),
    kv: axis('kv', m.kvHeads),
    group: axis('group', m.heads / m.kvHeads),
    half: axis('half', 2),
    halfIn: axis('halfIn', 2),
    freq: axis('freq', m.headDim / 2),
    feed: axis('feed', m.intermediateSize),
    vocab: axis('vocab', m.vocabSize),
    bit: axis('bit', log2Ceil(m.vocabSize), true),
    rank: axis('rank', c.lora.rank),
    sample: axis('sample', c.dataRows, true),
  };
}
export type Axes = ReturnType<typeof makeAxes>;

/** Inputs and outputs of each linear map, and whether a norm's gain is folded in before it. */
export function siteAxes(x: Axes): Record<Target, { input: Axis[]; output: Axis[]; gain: 'attn' | 'mlp' | null }> {
  const query = [x.kv, x.group, x.half, x.freq];
  const keys = [x.kv, x.half, x.freq];
  return {
    q_proj: { input: [x.hidden], output: query, gain: 'attn' },
    k_proj: { input: [x.hidden], output: keys, gain: 'attn' },
    v_proj: { input: [x.hidden], output: keys, gain: 'attn' },
    o_proj: { input: query, output: [x.hidden], gain: null },
    gate_proj: { input: [x.hidden], output: [x.feed], gain: 'mlp' },
    up_proj: { input: [x.hidden], output: [x.feed], gain: 'mlp' },
    down_proj: { input: [x.feed], output: [x.hidden], gain: null },
  };
}

/** The LoRA side of one site. */
export interface LoraSite {
  readonly target: Target;
  /** Master weights over slices 0 … T: [slice, layer, rank, input], [slice, layer, output, rank]; scale 22. */
  readonly a: Tensor;
  readonly b: Tensor;
  /** Working weights at the frozen weights' scale: [layer, step, rank, input], [layer, step, output, rank]. */
  readonly aWork: Tensor;
  readonly bWork: Tensor;
}

/** Declares the master weights of one target's adapter over the slices of a segment. */
export function declareChains(
  b: ProgramBuilder,
  x: Axes,
  target: Target,
  site: { readonly input: readonly Axis[]; readonly output: readonly Axis[] },
): Pick<LoraSite, 'a' | 'b'> {
  const { layer, rank, slice } = x;
  const chain = (side: 'A' | 'B', axes: readonly Axis[]): Tensor =>
    chained(b, `${target}.lora_${side}`, slice, [layer, ...axes], signed(ADAPTER_BITS), 'adapterIn', 'adapterOut');
  return { a: chain('A', [rank, ...site.input]), b: chain('B', [...site.output, rank]) };
}

/** Row and token axes of one segment, outermost first. */
export function tokenAxes(x: Axes): Axis[] {
  return [x.step, x.row, x.token];
}

export class Context {
  readonly config: ProgramConfig;
  readonly b: ProgramBuilder;
  readonly x: Axes;
  readonly sites: ReturnType<typeof siteAxes>;
  readonly frozen: Record<Target, Tensor>;
  readonly embed: Tensor;
  readonly head: Tensor;
  readonly gains: { attn: Tensor; mlp: Tensor };
  readonly lora = new Map<Target, LoraSite>();
  /** z of each adapted site, once the forward pass is recorded. */
  z = new Map<Target, Tensor>();
  readonly mask: Tensor;
  readonly inputs: OneHotTensor;
  readonly labels: OneHotTensor;

  constructor(config: ProgramConfig) {
    this.config = config;
    this.b = new ProgramBuilder(config.widths.widest);
    this.x = makeAxes(config);
    this.sites = siteAxes(this.x);
    const { hidden, vocab, layer } = this.x;
    this.embed = this.#base('embed', [vocab, hidden]);
    this.head = this.#base('head', [vocab, hidden]);
    const weight = (t: Target): Tensor => this.#base(t, [layer, ...this.sites[t].output, ...this.sites[t].input]);
    this.frozen = {
      q_proj: weight('q_proj'),
      k_proj: weight('k_proj'),
      v_proj: weight('v_proj'),
      o_proj: weight('o_proj'),
      gate_proj: weight('gate_proj'),
      up_proj: weight('up_proj'),
      down_proj: weight('down_proj'),
    };
    this.gains = { attn: this.#base('gain_attn', [layer, hidden]), mlp: this.#base('gain_mlp', [layer, hidden]) };
    this.mask = this.b.tensor('mask', tokenAxes(this.x), unsigned(1));
    this.inputs = this.#tokens('input');
    this.labels = this.#tokens('label');
    this.#data();
  }

  /** Frozen integers: |w| < 2^frozen, not range-checked here (a public base is recomputed by whoever checks its root). */
  #base(name: string, axes: Axis[]): Tensor {
    const half = 1n << BigInt(this.config.widths.frozen);
    const cells = this.b.cells(`base.${name}`, 'base', axes, null);
    return { kind: 'tensor', name, axes, parts: [{ cells, coef: 1n }], offset: -half, min: -half, max: half };
  }

  /** Bits of the token ids of the segment's rows, tied to the data set; ids are below the vocabulary size. */
  #tokens(name: 'input' | 'label'): OneHotTensor {
    const { b, x } = this;
    const domain = tokenAxes(x);
    const bits = b.tensor(`${name}.bits`, [...domain, x.bit], unsigned(1));
    const id = Array.from({ length: x.bit.size }, (_, k) => term(1n << BigInt(k), use(bits, { bit: k })));
    b.tie({ name: `${name}.tie`, domain, terms: id, entry: name });
    if (1 << x.bit.size !== x.vocab.size) {
      const slack = b.tensor(`${name}.slack`, domain, unsigned(x.bit.size));
      b.relation(`${name}.range`, domain, [...id, term(1n, use(slack)), term(1n - BigInt(x.vocab.size))]);
    }
    return { kind: 'onehot', name: `${name}.onehot`, axes: [...domain, x.vocab], bits };
  }

  #data(): void {
    const { b, x } = this;
    b.cells('data.first', 'data', [x.sample], null);
    b.cells('data.labels', 'data', [x.sample, x.token], null);
    b.cells('data.mask', 'data', [x.sample, x.token], null);
    b.tie({ name: 'mask.tie', domain: tokenAxes(x), terms: [term(1n, use(this.mask))], entry: 'mask' });
  }

  /** Declares the adapter chains and their working copies Ã = rshift(A·g, ·), B̃ = rshift(round(2^8·α/r)·B, ·). */
  declareLora(): void {
    const { b, x, config } = this;
    const { weight, activation } = config.scales;
    const work = signed(config.widths.activation);
    for (const target of config.lora.targets) {
      const { input, output, gain } = this.sites[target];
      const { a, b: bb } = declareChains(b, x, target, this.sites[target]);
      const aWork = b.tensor(`${target}.a_work`, [x.layer, x.step, x.rank, ...input], work);
      const bWork = b.tensor(`${target}.b_work`, [x.layer, x.step, ...output, x.rank], work);
      const now: View = { slice: 'step' };
      const aTerm = gain === null ? term(1n, use(a, now)) : term(1n, use(a, now), use(this.gains[gain]));
      const aShift = 22 - weight + (gain === null ? 0 : activation);
      b.contract(`${target}.a_work`, {
        scope: 'begin',
        domain: aWork.axes,
        terms: [aTerm],
        divisor: 1n << BigInt(aShift),
        out: use(aWork),
      });
      const alpha = BigInt(Math.round((256 * config.lora.alpha) / config.lora.rank));
      b.contract(`${target}.b_work`, {
        scope: 'begin',
        domain: bWork.axes,
        terms: [term(alpha, use(bb, now))],
        divisor: 1n << BigInt(30 - weight),
        out: use(bWork),
      });
      this.lora.set(target, { target, a, b: bb, aWork, bWork });
    }
  }
}

/** View that reads a [layer, …] tensor from a domain over `inner` (layers 1 … L−1), or over all layers. */
export function layerView(level: Axis, view: View = {}): View {
  return level.name === 'inner' ? { ...view, layer: { axis: 'inner', offset: 1 } } : view;
}
