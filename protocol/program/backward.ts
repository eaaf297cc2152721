/**
 * Backward pass: from the logits' gradient down to the gradients of every adapted site, each sum of branches that share an
 * input rounded once. Layer 0 computes only what an adapted site there needs.
 */
import { signed, term, use, type View } from './builder.ts';
import { layerView, tokenAxes, type Context } from './context.ts';
import type { Target } from './adapter.ts';
import type { Forward, Norm } from './forward.ts';
import { ropeMatrix } from './publics.ts';
import type { Scope, Term } from './relations.ts';
import type { Axis, Operand, Tensor } from './tensors.ts';

/** What an adapted site's weight gradients are made of: its output's gradient dy and dz = dy·B̃. */
export interface SiteGradient {
  readonly input: Tensor;
  readonly dy: Tensor;
  readonly dz: Tensor;
}

/** A gradient tensor over all layers, or over layers 1 … L−1 where layer 0 needs none. */
interface Gradient {
  readonly level: Axis;
  readonly tensor: Tensor;
}

export class Backward {
  readonly sites = new Map<Target, SiteGradient>();
  readonly #ctx: Context;
  readonly #f: Forward;

  constructor(ctx: Context, f: Forward) {
    this.#ctx = ctx;
    this.#f = f;
  }

  run(): void {
    const stream = this.#start();
    const middle = this.#feedForward(stream);
    this.#attention(middle, stream);
  }

  #level(...targets: Target[]): Axis {
    const { x, lora } = this.#ctx;
    return targets.some((t) => lora.has(t)) ? x.layer : x.inner;
  }

  #rows(level: Axis): Axis[] {
    return [level, ...tokenAxes(this.#ctx.x)];
  }

  /** Declares a gradient over `level` and the axes, and records out = rshift(Σ terms, shift). */
  #grad(name: string, level: Axis, axes: readonly Axis[], terms: Term[], shift: number, wide = false): Gradient {
    const { b, config } = this.#ctx;
    const range = signed(config.widths.gradient + (wide ? 2 : 0));
    const domain = [...this.#rows(level), ...axes];
    const tensor = b.tensor(name, domain, range);
    b.contract(name, { scope: 'backward', domain, terms, divisor: 1n << BigInt(shift), out: use(tensor) });
    return { level, tensor };
  }

  /** Reads a gradient from a domain over `level` (which layer 0 belongs to only if the gradient has it too). */
  #at(g: Gradient, level: Axis, view: View = {}): Operand {
    if (g.level === level) return use(g.tensor, view);
    return use(g.tensor, layerView(level, view));
  }

  /** Gradient with respect to x̂ through RMSNorm: c = rdiv(Σ t·x̂, d·2^F), e = rshift(x̂·c, F); returns the terms (t − e)·r. */
  #normTerms(
    name: string,
    scope: Scope,
    n: Norm,
    t: Tensor,
    domain: readonly Axis[],
    view: View,
    factor: Operand[] = [],
  ): Term[] {
    const { b, config, x } = this.#ctx;
    const f = BigInt(config.scales.activation);
    const range = signed(config.widths.gradient);
    const c = b.tensor(`${name}.c`, domain, range);
    const hat = use(n.hat, view);
    b.contract(`${name}.c`, {
      scope,
      domain,
      terms: [term(1n, use(t), hat)],
      // Before the divisor: esbuild takes "<< f, out" for the type parameters of a generic.
      out: use(c),
      divisor: BigInt(x.hidden.size) << f,
    });
    const e = b.tensor(`${name}.e`, [...domain, x.hidden], range);
    b.contract(`${name}.e`, { scope, domain: e.axes, terms: [term(1n, hat, use(c))], out: use(e), divisor: 1n << f });
    const r = use(n.r, view);
    return [term(1n, use(t), r, ...factor), term(-1n, use(e), r, ...factor)];
  }

  /** dlogits = mask·(p − 2^P·onehot) through the head and the last norm; the gradient of the residual stream after layer L. */
  #start(): Tensor {
    const { b, config, x, head, labels, mask } = this.#ctx;
    const { vocabulary, weight, gradient, activation } = config.scales;
    const domain = tokenAxes(x);
    const range = signed(config.widths.gradient);
    const t = b.tensor('d_last', [...domain, x.hidden], range);
    b.contract('d_last', {
      scope: 'middle',
      domain: t.axes,
      terms: [term(1n, use(this.#f.vocabP), use(head)), term(-(1n << BigInt(vocabulary)), use(labels), use(head))],
      divisor: 1n << BigInt(weight + vocabulary - gradient),
      out: use(t),
    });
    // dx[l] is the gradient of x_{l+1}
    const stream = b.tensor('d_x', [x.layer, ...domain, x.hidden], signed(config.widths.gradient + 2));
    // The mask is applied here, once for the whole row: rshift(0) = 0, so this equals masking the logits' gradient.
    b.contract('d_x_last', {
      scope: 'middle',
      domain: t.axes,
      terms: this.#normTerms('norm_last_back', 'middle', this.#f.last, t, domain, {}, [use(mask)]),
      divisor: 1n << BigInt(28 - activation),
      out: use(stream, { layer: config.model.layers - 1 }),
    });
    return stream;
  }

  /** dz = rshift(dy·B̃) of an adapted site, over all layers. */
  #site(target: Target, input: Tensor, dy: Gradient): void {
    const { config, x, lora } = this.#ctx;
    const site = lora.get(target);
    if (site === undefined) return;
    const terms = [term(1n, use(dy.tensor), use(site.bWork))];
    const dz = this.#grad(`${target}.dz`, x.layer, [x.rank], terms, config.scales.weight);
    this.sites.set(target, { input, dy: dy.tensor, dz: dz.tensor });
  }

  /** dy·W̃ + dz·Ã of one branch. */
  #branch(target: Target, dy: Gradient, level: Axis): Term[] {
    const { frozen, lora } = this.#ctx;
    const view = layerView(level);
    const terms = [term(1n, this.#at(dy, level), use(frozen[target], view))];
    const site = lora.get(target);
    const gradient = this.sites.get(target);
    if (site !== undefined && gradient !== undefined)
      terms.push(term(1n, use(gradient.dz, view), use(site.aWork, view)));
    return terms;
  }

  #feedForward(stream: Tensor): Gradient {
    const { b, config, x } = this.#ctx;
    const { activation, weight } = config.scales;
    const f = this.#f;
    const whole = this.#level('q_proj', 'k_proj', 'v_proj', 'o_proj');
    const any = this.#level('q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj');
    const dx: Gradient = { level: x.layer, tensor: stream };
    this.#site('down_proj', f.swiglu, dx);
    const dh = this.#grad('d_swiglu', any, [x.feed], this.#branch('down_proj', dx, any), weight);
    const silu = use(f.silu, layerView(any));
    const product = [use(f.up, layerView(any)), use(f.slope, layerView(any))];
    const dup = this.#grad('d_up', any, [x.feed], [term(1n, use(dh.tensor), silu)], activation);
    const dgate = this.#grad('d_gate', any, [x.feed], [term(1n, use(dh.tensor), ...product)], 2 * activation);
    this.#site('gate_proj', f.norm2.hat, dgate);
    this.#site('up_proj', f.norm2.hat, dup);
    const branches = [...this.#branch('gate_proj', dgate, whole), ...this.#branch('up_proj', dup, whole)];
    const t = this.#grad('d_norm2', whole, [x.hidden], branches, weight);
    const rows = this.#rows(whole);
    const middle = b.tensor('d_x_mid', [...rows, x.hidden], signed(config.widths.gradient + 2));
    b.contract('d_x_mid', {
      scope: 'backward',
      domain: middle.axes,
      terms: this.#normTerms('norm2_back', 'backward', f.norm2, t.tensor, rows, layerView(whole)),
      plus: [term(1n, use(stream, layerView(whole)))],
      divisor: 1n << BigInt(28 - activation),
      out: use(middle),
    });
    return { level: whole, tensor: middle };
  }

  #attention(middle: Gradient, stream: Tensor): void {
    const { b, config, x } = this.#ctx;
    const { activation, weight } = config.scales;
    const f = this.#f;
    this.#site('o_proj', f.attended, middle);
    const qkv = this.#level('q_proj', 'k_proj', 'v_proj');
    const d = this.#grad(
      'd_attended',
      qkv,
      [x.kv, x.group, x.half, x.freq],
      this.#branch('o_proj', middle, qkv),
      weight,
    );
    const [dq, dk, dv] = this.#heads(d);
    this.#site('q_proj', f.norm1.hat, dq);
    this.#site('k_proj', f.norm1.hat, dk);
    this.#site('v_proj', f.norm1.hat, dv);
    if (x.inner.size === 0) return;
    const branches = [
      ...this.#branch('q_proj', dq, x.inner),
      ...this.#branch('k_proj', dk, x.inner),
      ...this.#branch('v_proj', dv, x.inner),
    ];
    const t = this.#grad('d_norm1', x.inner, [x.hidden], branches, weight);
    const rows = this.#rows(x.inner);
    b.contract('d_x', {
      scope: 'backward',
      domain: [...rows, x.hidden],
      terms: this.#normTerms('norm1_back', 'backward', f.norm1, t.tensor, rows, layerView(x.inner)),
      plus: [term(1n, this.#at(middle, x.inner))],
      divisor: 1n << BigInt(28 - activation),
      out: use(stream, { layer: 'inner' }),
    });
  }

  /** Softmax and the two products of attention, backwards; the gradients of q, k, v before their rotation. */
  #heads(d: Gradient): [Gradient, Gradient, Gradient] {
    const { config, x } = this.#ctx;
    const { activation, attention } = config.scales;
    const f = this.#f;
    const square = [x.kv, x.group, x.token, x.key];
    const qk = this.#level('q_proj', 'k_proj');
    const atKey: View = { token: 'key' };
    const flip: View = { token: 'key', key: 'token' };
    const dp = this.#square('d_p', qk, square, [term(1n, this.#at(d, qk), use(f.v, layerView(qk, atKey)))], activation);
    const p = (level: Axis, view: View = {}): Operand => use(f.p, layerView(level, view));
    const row = this.#square('d_p_row', qk, square.slice(0, -1), [term(1n, p(qk), use(dp.tensor))], attention);
    const ds = this.#square(
      'd_score',
      qk,
      square,
      [term(1n, p(qk), use(dp.tensor)), term(-1n, p(qk), use(row.tensor))],
      attention,
    );
    const keys = [x.kv, x.half, x.freq];
    const vLevel = this.#level('v_proj');
    const dv = this.#grad('d_v', vLevel, keys, [term(1n, p(vLevel, flip), this.#at(d, vLevel, atKey))], attention);
    const qLevel = this.#level('q_proj');
    const query = [x.kv, x.group, x.half, x.freq];
    const kRope = use(f.kRope, layerView(qLevel, atKey));
    const dqr = this.#grad('d_q_rope', qLevel, query, [term(1n, this.#at(ds, qLevel), kRope)], activation, true);
    const kLevel = this.#level('k_proj');
    const qRope = use(f.qRope, layerView(kLevel, atKey));
    const dkr = this.#grad('d_k_rope', kLevel, keys, [term(1n, this.#at(ds, kLevel, flip), qRope)], activation + 2);
    const back = (name: string, g: Gradient, axes: Axis[], which: 'query' | 'key', shift: number): Gradient => {
      const matrix = use(ropeMatrix(config, x, which), { half: 'halfIn', halfIn: 'half' });
      return this.#grad(name, g.level, axes, [term(1n, matrix, use(g.tensor, { half: 'halfIn' }))], shift);
    };
    const dq = back('d_q', dqr, query, 'query', config.scales.rope + 2);
    return [dq, back('d_k', dkr, keys, 'key', config.scales.rope), dv];
  }

  /** A gradient whose token axis comes after the heads: [level, step, row, …]. */
  #square(name: string, level: Axis, axes: readonly Axis[], terms: Term[], shift: number): Gradient {
    const { b, config, x } = this.#ctx;
    const domain = [level, x.step, x.row, ...axes];
    const tensor = b.tensor(name, domain, signed(config.widths.gradient));
    b.contract(name, { scope: 'backward', domain, terms, divisor: 1n << BigInt(shift), out: use(tensor) });
    return { level, tensor };
  }
}
