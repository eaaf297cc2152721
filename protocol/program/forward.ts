/**
 * Forward pass of a LLaMA layer stack in integers, as operations and relations. Shapes stand at each tensor.
 */
import { isqrt } from './fixedpoint.ts';
import { roundDecimal } from './numbers.ts';
import { signed, term, unsigned, use, type View } from './builder.ts';
import { tokenAxes, type Context } from './context.ts';
import type { Target } from './adapter.ts';
import { anticausal, ropeMatrix } from './publics.ts';
import type { Scope, TableName } from './relations.ts';
import type { Axis, Operand, Tensor } from './tensors.ts';

/** Scale of the reciprocal root mean square, before the activation scale is taken off. */
const NORM_SCALE = 28;
const RECIPROCAL_BITS = 26;

/** x̂ and r = 2^(28−F)/rms of one norm; [layer, step, row, token(, hidden)] (no layer for the last norm). */
export interface Norm {
  readonly hat: Tensor;
  readonly r: Tensor;
}

/** Everything the backward pass reads. */
export interface Forward {
  readonly x: Tensor;
  readonly norm1: Norm;
  readonly norm2: Norm;
  readonly last: Norm;
  readonly qRope: Tensor;
  readonly kRope: Tensor;
  readonly v: Tensor;
  readonly p: Tensor;
  readonly attended: Tensor;
  readonly up: Tensor;
  readonly silu: Tensor;
  readonly slope: Tensor;
  readonly swiglu: Tensor;
  readonly shifted: Tensor;
  readonly vocabP: Tensor;
  /** z = x̂·Ãᵀ of each adapted site: [layer, step, row, token, rank]. */
  readonly z: Map<Target, Tensor>;
}

/** RMSNorm: m = Σx² + d·ε, s = isqrt(4^J·m), r = ⌊K_d/s⌋, x̂ = rshift(x·r, 28−F). Each of s, r and both brackets is pinned. */
export function norm(ctx: Context, name: string, scope: Scope, x: Operand, domain: readonly Axis[]): Norm {
  const { b, config } = ctx;
  const hidden = ctx.x.hidden;
  const d = BigInt(hidden.size);
  const f = config.scales.activation;
  const largest = 1n << BigInt(2 * (config.widths.residual - 1));
  const eps = roundDecimal(config.model.rmsNormEps, 2 * f);
  const floor = d * (eps > 1n ? eps : 1n);
  let j = 0n;
  while (4n ** (j + 1n) * (d * largest + floor) < 1n << 62n) j++;
  const s = b.tensor(`${name}.root`, domain, unsigned(31));
  const slack = b.tensor(`${name}.slack`, domain, unsigned(32));
  const coslack = b.tensor(`${name}.coslack`, domain, unsigned(32));
  b.sqrt(name, {
    scope,
    domain,
    terms: [term(4n ** j, x, x), term(4n ** j * floor)],
    root: use(s),
    slack: use(slack),
    coslack: use(coslack),
  });
  const r = b.tensor(`${name}.r`, domain, unsigned(RECIPROCAL_BITS));
  b.divide(`${name}.reciprocal`, {
    scope,
    domain,
    numerator: [term(isqrt(d * 4n ** (BigInt(NORM_SCALE) + j)))],
    denominator: [term(1n, use(s))],
    quotient: use(r),
    remainder: use(b.tensor(`${name}.rest`, domain, unsigned(31))),
    complement: use(b.tensor(`${name}.corest`, domain, unsigned(31))),
  });
  const hat = b.tensor(`${name}.hat`, [...domain, hidden], signed(config.widths.activation));
  b.contract(`${name}.hat`, {
    scope,
    domain: hat.axes,
    terms: [term(1n, x, use(r))],
    divisor: 1n << BigInt(NORM_SCALE - f),
    out: use(hat),
  });
  return { hat, r };
}

/** x̂·W̃ᵀ + z·B̃ᵀ, one shift; records z where the site is adapted. */
export function linear(
  ctx: Context,
  target: Target,
  input: Tensor,
  out: Operand,
  domain: readonly Axis[],
  z: Map<Target, Tensor>,
  plus: Operand | null = null,
): void {
  const { b, config, x } = ctx;
  const divisor = 1n << BigInt(config.scales.weight);
  const terms = [term(1n, use(input), use(ctx.frozen[target]))];
  const site = ctx.lora.get(target);
  if (site !== undefined) {
    const zt = b.tensor(`${target}.z`, [x.layer, ...tokenAxes(x), x.rank], signed(config.widths.activation));
    b.contract(`${target}.z`, {
      scope: 'forward',
      domain: zt.axes,
      terms: [term(1n, use(input), use(site.aWork))],
      divisor,
      out: use(zt),
    });
    z.set(target, zt);
    terms.push(term(1n, use(zt), use(site.bWork)));
  }
  b.contract(`${target}.out`, {
    scope: 'forward',
    domain,
    terms,
    plus: plus === null ? [] : [term(1n, plus)],
    divisor,
    out,
  });
}

/** T(score − μ) with its bracket; see SoftmaxOp. */
function softmax(
  ctx: Context,
  name: string,
  scope: Scope,
  score: Tensor,
  parts: { shifted: Tensor | null; mu: Tensor; bits: number; causal: boolean },
): Tensor {
  const { b } = ctx;
  const { bits, causal, mu, shifted } = parts;
  const domain = score.axes.slice(0, -1);
  const last = score.axes[score.axes.length - 1];
  const top = 1n << BigInt(bits);
  // Σ p ≤ 2^P by the relation `under`
  const p = b.tableTensor(`${name}.p`, score.axes, 0n, top, top);
  const next = b.tableTensor(`${name}.next`, score.axes, 0n, top + (top >> 9n));
  // Σ next − Σ p − 1 = under + over, and T(u+1) − T(u) ≤ T(u)·(e^(1/1024) − 1) + 1.
  const gap = (top >> 10n) + (top >> 20n) + BigInt(last.size) + 2n;
  const width = unsigned(gap.toString(2).length);
  const under = b.tensor(`${name}.under`, domain, width);
  const over = b.tensor(`${name}.over`, domain, width);
  b.relation(`${name}.under`, domain, [term(1n, use(p)), term(1n, use(under)), term(-top)]);
  b.relation(`${name}.over`, domain, [term(1n, use(next)), term(-1n, use(over)), term(-top - 1n)]);
  if (causal) {
    const beyond = use(anticausal(ctx.x));
    b.relation(`${name}.p.causal`, score.axes, [term(1n, beyond, use(p))]);
    b.relation(`${name}.next.causal`, score.axes, [term(1n, beyond, use(next))]);
  }
  const table: TableName = `exp${bits}`;
  b.lookup(name, table, {
    key: shifted ?? score,
    keyMinus: shifted === null ? mu : null,
    outputs: [p, next],
    causal,
  });
  b.operation({ kind: 'softmax', name, scope, domain, bits, causal, score, shifted, mu, p, next, under, over });
  return p;
}

/** Attention of one layer; returns what backward needs. */
function attention(ctx: Context, hat: Tensor, z: Map<Target, Tensor>) {
  const { b, config, x } = ctx;
  const f = config.scales.activation;
  const rows = [x.layer, ...tokenAxes(x)];
  const act = signed(config.widths.activation);
  const query = [...rows, x.kv, x.group, x.half, x.freq];
  const keys = [...rows, x.kv, x.half, x.freq];
  const q = b.tensor('q', query, act);
  const k = b.tensor('k', keys, act);
  const v = b.tensor('v', keys, act);
  linear(ctx, 'q_proj', hat, use(q), query, z);
  linear(ctx, 'k_proj', hat, use(k), keys, z);
  linear(ctx, 'v_proj', hat, use(v), keys, z);
  const rotate = (name: string, from: Tensor, matrix: 'query' | 'key'): Tensor => {
    const out = b.tensor(name, from.axes, act);
    b.contract(name, {
      scope: 'forward',
      domain: out.axes,
      terms: [term(1n, use(ropeMatrix(config, x, matrix)), use(from, { half: 'halfIn' }))],
      divisor: 1n << BigInt(config.scales.rope),
      out: use(out),
    });
    return out;
  };
  const qRope = rotate('q_rope', q, 'query');
  const kRope = rotate('k_rope', k, 'key');
  const square = [x.layer, x.step, x.row, x.kv, x.group, x.token, x.key];
  const score = b.tensor('score', square, signed(config.widths.score));
  const atKey: View = { token: 'key' };
  b.contract('score', {
    scope: 'forward',
    domain: square,
    terms: [term(1n, use(qRope), use(kRope, atKey))],
    divisor: 1n << BigInt(2 * f + 2 - config.scales.score),
    out: use(score),
  });
  const mu = b.tensor('attention.mu', square.slice(0, -1), signed(config.widths.score));
  const bits = config.scales.attention;
  const p = softmax(ctx, 'attention', 'forward', score, { shifted: null, mu, bits, causal: true });
  const attended = b.tensor('attended', query, act);
  b.contract('attended', {
    scope: 'forward',
    domain: query,
    terms: [term(1n, use(p), use(v, atKey))],
    divisor: 1n << BigInt(bits),
    out: use(attended),
  });
  return { qRope, kRope, v, p, attended };
}

/** Logits, kept as u = logit − μ, their probabilities; and the gradient's start. */
function vocabulary(ctx: Context, hat: Tensor) {
  const { b, config, x } = ctx;
  const { activation, weight, score } = config.scales;
  const domain = [...tokenAxes(x), x.vocab];
  const spread = 1n << BigInt(config.widths.spread);
  const shifted = b.tableTensor('logit.shifted', domain, 1n - spread, 0n);
  const mu = b.tensor('logit.mu', tokenAxes(x), signed(config.widths.score));
  const logit: Tensor = {
    kind: 'tensor',
    name: 'logit',
    axes: domain,
    parts: [...shifted.parts, ...mu.parts],
    offset: shifted.offset + mu.offset,
    min: shifted.min + mu.min,
    max: shifted.max + mu.max,
  };
  b.contract('logit', {
    scope: 'middle',
    domain,
    terms: [term(1n, use(hat), use(ctx.head))],
    divisor: 1n << BigInt(activation + weight - score),
    out: use(logit),
  });
  const bits = config.scales.vocabulary;
  const vocabP = softmax(ctx, 'vocabulary', 'middle', logit, { shifted, mu, bits, causal: false });
  return { shifted, vocabP };
}

export function forward(ctx: Context): Forward {
  const { b, config, x } = ctx;
  const f = config.scales.activation;
  const rows = [x.layer, ...tokenAxes(x)];
  const act = signed(config.widths.activation);
  const wide = signed(config.widths.residual);
  const z = new Map<Target, Tensor>();
  const stream = b.tensor('x', [x.depth, ...tokenAxes(x), x.hidden], wide);
  b.contract('embedding', {
    scope: 'begin',
    domain: [...tokenAxes(x), x.hidden],
    terms: [term(1n, use(ctx.inputs), use(ctx.embed))],
    divisor: 1n,
    out: use(stream, { depth: 0 }),
  });
  const below = use(stream, { depth: 'layer' });
  const above = use(stream, { depth: { axis: 'layer', offset: 1 } });
  const norm1 = norm(ctx, 'norm1', 'forward', below, rows);
  const att = attention(ctx, norm1.hat, z);
  const middle = b.tensor('x_mid', [...rows, x.hidden], wide);
  linear(ctx, 'o_proj', att.attended, use(middle), middle.axes, z, below);
  const norm2 = norm(ctx, 'norm2', 'forward', use(middle), rows);
  const feed = [...rows, x.feed];
  const half = 1n << BigInt(config.widths.gate - 1);
  const gate = b.tableTensor('gate', feed, -half, half - 1n);
  const up = b.tensor('up', feed, act);
  linear(ctx, 'gate_proj', norm2.hat, use(gate), feed, z);
  linear(ctx, 'up_proj', norm2.hat, use(up), feed, z);
  // silu ≥ −0.2785 and −0.1 ≤ silu' ≤ 1.1 in units of 2^F
  const unit = 1n << BigInt(f);
  const silu = b.tableTensor('silu', feed, -unit, half - 1n);
  const slope = b.tableTensor('silu_slope', feed, -unit, 2n * unit);
  b.lookup('silu', 'silu', { key: gate, keyMinus: null, outputs: [silu, slope], causal: false });
  b.operation({ kind: 'silu', name: 'silu', scope: 'forward', domain: feed, x: gate, value: silu, slope });
  const swiglu = b.tensor('swiglu', feed, act);
  b.contract('swiglu', {
    scope: 'forward',
    domain: feed,
    terms: [term(1n, use(silu), use(up))],
    divisor: unit,
    out: use(swiglu),
  });
  linear(ctx, 'down_proj', swiglu, above, middle.axes, z, use(middle));
  const last = norm(ctx, 'norm_last', 'middle', use(stream, { depth: config.model.layers }), tokenAxes(x));
  return { x: stream, norm1, norm2, last, ...att, up, silu, slope, swiglu, ...vocabulary(ctx, last.hat), z };
}
