/**
 * Weight gradients, optimiser and the chain of adapter slices. Layer and step are axes of every relation.
 */
import { chained, scaled, signed, term, unsigned, use, type View } from './builder.ts';
import { ADAPTER_SCALE, type OptimizerSteps } from './config.ts';
import type { Context, LoraSite } from './context.ts';
import type { SiteGradient } from './backward.ts';
import { roundDivide } from './numbers.ts';
import type { Term } from './relations.ts';
import type { Axis, Tensor } from './tensors.ts';

/** Scale of 1/n_t in the mean gradient's constant. */
const MEAN_SCALE = 28;
const MEAN_BITS = 26;
const SGD_MOMENT_BITS = 34;
const ADAM_M_BITS = 30;
const ADAM_V_BITS = 60;

const NOW: View = { slice: 'step' };
const THEN: View = { slice: { axis: 'step', offset: 1 } };

export function update(ctx: Context, target: LoraSite, gradient: SiteGradient): void {
  const { b, x, config, sites, gains } = ctx;
  const { input, output, gain } = sites[target.target];
  const f = 1n << BigInt(config.scales.activation);
  const range = signed(config.widths.weightGradient);
  const name = target.target;
  const gb = b.tensor(`${name}.grad_B`, [x.layer, x.step, ...output, x.rank], range);
  const z = ctx.z.get(name) as Tensor;
  b.contract(`${name}.grad_B`, {
    scope: 'update',
    domain: gb.axes,
    terms: [term(1n, use(gradient.dy), use(z))],
    divisor: f,
    out: use(gb),
  });
  const axes = [x.layer, x.step, x.rank, ...input];
  const hat = b.tensor(`${name}.grad_A_hat`, axes, range);
  b.contract(`${name}.grad_A_hat`, {
    scope: 'update',
    domain: axes,
    terms: [term(1n, use(gradient.dz), use(gradient.input))],
    divisor: f,
    out: use(hat),
  });
  let ga = hat;
  if (gain !== null) {
    ga = b.tensor(`${name}.grad_A`, axes, range);
    b.contract(`${name}.grad_A`, {
      scope: 'update',
      domain: axes,
      terms: [term(1n, use(hat), use(gains[gain]))],
      divisor: f,
      out: use(ga),
    });
  }
  step(ctx, `${name}.lora_A`, target.a, ga, 256n);
  step(ctx, `${name}.lora_B`, target.b, gb, BigInt(Math.round((256 * config.lora.alpha) / config.lora.rank)));
}

/** w' from w and the summed gradient g; κ = kappa/2^8. */
function step(ctx: Context, name: string, w: Tensor, g: Tensor, kappa: bigint): void {
  const { b, x, config } = ctx;
  const domain = g.axes;
  const mean = b.tensor(`${name}.mean`, domain, signed(MEAN_BITS));
  const iota = config.counts.map((n) => roundDivide(kappa << BigInt(MEAN_SCALE - 8), BigInt(n)));
  b.contract(`${name}.mean`, {
    scope: 'update',
    domain,
    terms: [scaled(term(1n, use(g)), x.step.name, iota)],
    divisor: 1n << BigInt(config.scales.gradient + MEAN_SCALE - ADAPTER_SCALE),
    out: use(mean),
  });
  const slots = domain.filter((a) => a !== x.step);
  const optimizer = config.optimizer;
  if (optimizer.kind === 'sgd') sgd(ctx, name, w, mean, optimizer, slots);
  else adamw(ctx, name, w, mean, optimizer, slots);
}

/** M' = rshift(M·β, 16) + 2^6·ĝ, w' = w − rshift(M'·lr, 30). */
function sgd(
  ctx: Context,
  name: string,
  w: Tensor,
  mean: Tensor,
  o: OptimizerSteps & { kind: 'sgd' },
  slots: Axis[],
): void {
  const { b, x } = ctx;
  const domain = mean.axes;
  const m = chained(b, `${name}.momentum`, x.slice, slots, signed(SGD_MOMENT_BITS), 'momentsIn', 'momentsOut');
  b.contract(`${name}.momentum`, {
    scope: 'update',
    domain,
    terms: [term(o.momentum, use(m, NOW))],
    plus: [term(64n, use(mean))],
    divisor: 1n << 16n,
    out: use(m, THEN),
  });
  const rates = o.steps.map((s) => s.rate);
  b.contract(`${name}.next`, {
    scope: 'update',
    domain,
    terms: [scaled(term(1n, use(m, THEN)), x.step.name, rates)],
    plus: [term(1n, use(w, NOW))],
    sign: -1n,
    divisor: 1n << 30n,
    out: use(w, THEN),
  });
}

/** AdamW with decoupled weight decay; see the semantics' section "Update". */
function adamw(
  ctx: Context,
  name: string,
  w: Tensor,
  mean: Tensor,
  o: OptimizerSteps & { kind: 'adamw' },
  slots: Axis[],
): void {
  const { b, x } = ctx;
  const domain = mean.axes;
  const m = chained(b, `${name}.m`, x.slice, slots, signed(ADAM_M_BITS), 'momentsIn', 'momentsOut');
  b.contract(`${name}.m`, {
    scope: 'update',
    domain,
    terms: [term(16n * o.beta1, use(mean)), term(-o.beta1, use(m, NOW))],
    plus: [term(1n, use(m, NOW))],
    divisor: 1n << 16n,
    out: use(m, THEN),
  });
  const v = chained(b, `${name}.v`, x.slice, slots, unsigned(ADAM_V_BITS), 'momentsIn', 'momentsOut');
  const excess = b.tensor(`${name}.excess`, domain, signed(ADAM_V_BITS - 19 + 1));
  b.contract(`${name}.excess`, {
    scope: 'update',
    domain,
    terms: [term(1n << 10n, use(mean), use(mean)), term(-1n, use(v, NOW))],
    divisor: 1n << 20n,
    bias: 0n,
    out: use(excess),
  });
  // Q, the excess's remainder, is needed as a tensor: Q = 2^10·ĝ² − v − 2^20·excess, and enters rshift(Q·b₂, 20).
  const low = b.tensor(`${name}.v_low`, domain, unsigned(20));
  b.contract(`${name}.v_low`, {
    scope: 'update',
    domain,
    terms: [term(o.beta2, use(b.remainderOf(`${name}.excess`)))],
    divisor: 1n << 20n,
    out: use(low),
  });
  b.contract(`${name}.v`, {
    scope: 'update',
    domain,
    terms: [],
    plus: [term(1n, use(v, NOW)), term(o.beta2, use(excess)), term(1n, use(low))],
    divisor: 1n,
    out: use(v, THEN),
  });
  adamwChange(ctx, name, w, m, v, o);
}

/** 2·m'·c_t + den = 2·den·q + ρ with den = 16(u + e_t), u = isqrt(v'); w' = w − q − rshift(w·λ_t, 24). */
function adamwChange(
  ctx: Context,
  name: string,
  w: Tensor,
  m: Tensor,
  v: Tensor,
  o: OptimizerSteps & { kind: 'adamw' },
): void {
  const { b, x } = ctx;
  const domain = [x.layer, x.step, ...m.axes.slice(2)];
  const along = (t: Term, values: readonly bigint[]): Term => scaled(t, x.step.name, values);
  const root = b.tensor(`${name}.root`, domain, unsigned(30));
  b.sqrt(`${name}.root`, {
    scope: 'update',
    domain,
    terms: [term(1n, use(v, THEN))],
    root: use(root),
    slack: use(b.tensor(`${name}.root.slack`, domain, unsigned(31))),
    coslack: use(b.tensor(`${name}.root.coslack`, domain, unsigned(31))),
  });
  // 2·m'·c_t + den = 2·den·q + ρ with den = 16(u + e_t)
  const denominator = (k: bigint): Term[] => [
    term(16n * k, use(root)),
    along(
      term(k),
      o.steps.map((s) => 16n * s.epsilon),
    ),
  ];
  const quotient = b.tensor(`${name}.change`, domain, signed(25));
  b.divide(`${name}.change`, {
    scope: 'update',
    domain,
    numerator: [
      along(
        term(2n, use(m, THEN)),
        o.steps.map((s) => s.rate),
      ),
      ...denominator(1n),
    ],
    denominator: denominator(2n),
    quotient: use(quotient),
    remainder: use(b.tensor(`${name}.change.rem`, domain, unsigned(37))),
    complement: use(b.tensor(`${name}.change.corem`, domain, unsigned(37))),
  });
  const decays = o.steps.some((s) => s.decay !== 0n);
  b.contract(`${name}.next`, {
    scope: 'update',
    domain,
    terms: decays
      ? [
          along(
            term(1n, use(w, NOW)),
            o.steps.map((s) => s.decay),
          ),
        ]
      : [],
    plus: [term(1n, use(w, NOW)), term(-1n, use(quotient))],
    sign: -1n,
    divisor: decays ? 1n << 24n : 1n,
    out: use(w, THEN),
  });
}
