import { llamaProgram } from '../../protocol/program/llama.ts';
import { compile, relationBound } from '../../protocol/program/circuit.ts';
import { circuitOf } from '../../protocol/instance.ts';
import { MODEL_SHAPES, stepOf } from '../support/shapes.ts';
import { TARGETS } from '../../protocol/program/adapter.ts';
import { segmentConfig } from '../../protocol/segment-program.ts';
import { encodeStatement, decodeStatement } from '../../protocol/statement.ts';
const P = 0xffffffff00000001n;
const abs = (x: bigint) => (x < 0n ? -x : x);
// independent: range of a tensor from its cells
function range(t: any): [bigint, bigint] {
  if (t.kind === 'public') return [-t.max, t.max];
  if (t.kind === 'onehot') return [0n, 1n];
  if (t.name === 'logit') { const a = range(SH), b = range(MU); return [a[0] + b[0], a[1] + b[1]]; }
  const slices = t.parts.filter((p: any) => p.slice === undefined || p.slice.start === 0);
  if (slices.every((p: any) => p.cells.bits !== null))
    return [t.offset, slices.reduce((s: bigint, p: any) => s + p.coef * ((1n << BigInt(p.cells.bits)) - 1n), t.offset)];
  return TAB(t);
}
let SH: any, MU: any, CFG: any;
function TAB(t: any): [bigint, bigint] {
  const w = CFG.widths, s = CFG.scales;
  const half = 1n << BigInt(w.gate - 1);
  const T1 = (p: number) => (1n << BigInt(p)) + (1n << BigInt(p)) / 1000n + 1n;
  switch (t.name) {
    case 'gate': return [-half, half - 1n];
    case 'silu': return [-1141n, half - 1n];
    case 'silu_slope': return [-410n, 4506n];
    case 'attention.p': return [0n, 1n << BigInt(s.attention)];
    case 'vocabulary.p': return [0n, 1n << BigInt(s.vocabulary)];
    case 'attention.next': return [0n, T1(s.attention)];
    case 'vocabulary.next': return [0n, T1(s.vocabulary)];
    case 'logit.shifted': return [1n - (1n << BigInt(w.spread)), 0n];
    default:
      if (t.parts[0].cells.oracle === 'base') { const f = 1n << BigInt(w.frozen); return [-f, f]; }
      throw new Error('table ' + t.name);
  }
}
/** interval of the relation: sum over terms of number of summands times product interval; p and onehot rows by their totals only where proven. */
function interval(rel: any): [bigint, bigint] {
  const dom = new Set(rel.domain.map((a: any) => a.name));
  let lo = 0n, hi = 0n;
  for (const t of rel.terms) {
    let iv: [bigint, bigint] = [1n, 1n];
    const sum = new Map<string, bigint>();
    let total: string | null = null; 
    const names = new Set<string>();
    for (const f of t.factors) {
      let r = range(f.tensor);
      const last = f.uses.at(-1);
      // total row: Σ over last axis of a nonneg tensor ≤ top: treat as one summand with max top
      const isRow = (f.tensor.kind === 'onehot' || (f.tensor.name === 'attention.p' || f.tensor.name === 'vocabulary.p')) && 'axis' in last && !dom.has(last.axis) && t.factors.length > 1 && total === null;
      if (isRow) total = last.axis;
      f.uses.forEach((u: any, i: number) => { if ('axis' in u && !dom.has(u.axis)) sum.set(u.axis, BigInt(f.tensor.axes[i].size)); });
      const c = [iv[0] * r[0], iv[0] * r[1], iv[1] * r[0], iv[1] * r[1]];
      iv = [c.reduce((a, b) => (a < b ? a : b)), c.reduce((a, b) => (a > b ? a : b))];
    }
    let n = 1n;
    for (const [name, s] of sum) if (name !== total) n *= s;
    const coefs = t.scale === undefined ? [t.coef] : t.scale.values.map((v: bigint) => v * t.coef);
    let tl: bigint | null = null, th: bigint | null = null;
    for (const c of coefs) {
      let a = c * n * iv[0], b = c * n * iv[1];
      if (a > b) [a, b] = [b, a];
      if (total !== null) { if (a > 0n) a = 0n; if (b < 0n) b = 0n; }
      tl = tl === null || a < tl ? a : tl; th = th === null || b > th ? b : th;
    }
    lo += tl!; hi += th!;
  }
  return [lo, hi];
}
function checkProgram(program: any, label: string) {
  CFG = program.config;
  SH = null; MU = null;
  for (const l of program.lookups) if (l.name === 'vocabulary') SH = l.key;
  for (const o of program.operations) if (o.kind === 'softmax' && o.name === 'vocabulary') MU = o.mu;
  let worst = 0n, worstName = '';
  for (const r of [...program.relations, ...program.ties, program.loss]) {
    const [lo, hi] = interval(r);
    const b = relationBound(r);
    const real = abs(lo) > abs(hi) ? abs(lo) : abs(hi);
    if (real > worst) { worst = real; worstName = r.name; }
    if (real > b) console.log('UNDERSTATED', label, r.name, real.toString(2).length, b.toString(2).length);
    if (real >= P) console.log('WRAPS', label, r.name, real.toString(2).length);
    // every variable's own range against tensor.min/max
    for (const t of r.terms) for (const f of t.factors) {
      const [a, c] = range(f.tensor);
      if (f.tensor.kind === 'tensor' && (a < f.tensor.min || c > f.tensor.max)) console.log('RANGE', label, f.tensor.name, a, c, f.tensor.min, f.tensor.max);
    }
  }
  return `${worstName} 2^${worst.toString(2).length}`;
}
let seed = Number(process.argv[2] ?? 1);
const rnd = () => { seed = (seed + 0x6D2B79F5) | 0; let t = Math.imul(seed ^ (seed >>> 15), 1 | seed); t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t; return ((t ^ (t >>> 14)) >>> 0) / 4294967296; };
const int = (a: number, b: number) => a + Math.floor(rnd() * (b - a + 1));
const pick = <T>(l: readonly T[]): T => l[int(0, l.length - 1)];
for (const [name, m] of Object.entries(MODEL_SHAPES)) {
  const st = stepOf(m as any, { lora: { rank: 8, alpha: 16, targets: [...TARGETS] } as any, widths: name.includes('7B') || name.includes('1B') ? { activation: 22, residual: 25, gate: 20, score: 22, gradient: 20, weightGradient: 28, spread: 20, frozen: 23, widest: 20 } : undefined as any } as any, 2, 2);
  const run: any = { ...st.run }; if (run.widths === undefined) run.widths = stepOf(m as any).run.widths;
  try { const prog = llamaProgram(segmentConfig(run, 2, [100, 100])); compile(prog); console.log(name, 'ok', checkProgram(prog, name)); } catch (e) { console.log(name, (e as Error).message); }
}
let ok = 0, refused = new Map<string, number>();
for (let i = 0; i < 6000; i++) {
  const kv = pick([1, 1, 2, 3, 8, 32]);
  const model = { hiddenSize: int(1, pick([8, 200, 4096, 65536])), intermediateSize: int(1, pick([8, 2000, 2 ** 18])), layers: int(1, pick([1, 3, 80])), heads: kv * pick([1, 2, 3, 8]), kvHeads: kv, headDim: 2 * int(1, pick([4, 64, 2048])), vocabSize: int(2, pick([10, 50000, 2 ** 20])), ropeTheta: pick(['1', '10000', '500000']), rmsNormEps: pick(['0', '1e-5', '1', '0.1']) };
  const w = (a: number, b: number) => pick([int(a, b), int(1, 30), b]);
  const rank = int(1, pick([8, 64, 4096]));
  const run: any = { ...stepOf(MODEL_SHAPES.stories260K).run, model, lora: { rank, alpha: rank * pick([1, 2, 16]), targets: TARGETS.filter(() => rnd() < 0.6) },
    scales: { activation: 12, weight: w(1, 22), score: 10, attention: int(10, 25), vocabulary: int(10, 25), gradient: w(10, 20), rope: 14 },
    widths: { activation: w(14, 24), residual: w(14, 28), gate: int(1, 26), score: w(12, 26), gradient: w(14, 24), weightGradient: w(16, 30), spread: int(1, 26), frozen: w(8, 24), widest: int(1, 26) },
    optimizer: pick([{ kind: 'sgd', lr: pick(['0.001', '1', '1000', '30']), momentum: pick(['0', '0.9', '0.999999999']), schedule: { kind: 'cosine', warmup: 2 } },
      { kind: 'adamw', lr: pick(['0.001', '1', '0.03', '7', '1000']), beta1: pick(['0', '0.9', '0.99999999']), beta2: pick(['0', '0.999', '0.9999999999']), eps: pick(['0', '1e-8', '1', '7', '100']), weightDecay: pick(['0', '0.01', '1', '1000']), schedule: { kind: 'linear', warmup: 1 } }]),
    batch: 2 ** int(0, pick([2, 16])), seqLen: 2 ** int(0, pick([6, 17])), dataRows: 2 ** 16 };
  if (run.lora.targets.length === 0) continue;
  const T = pick([1, 2, 4]);
  try {
    const prog = llamaProgram(segmentConfig(run, pick([0, 2, 4]), Array.from({ length: T }, () => int(1, run.batch * run.seqLen))));
    for (const r of [...prog.relations, ...prog.ties, prog.loss]) if (2n * relationBound(r) >= P) throw new RangeError('bound ' + r.name);
    ok++;
    checkProgram(prog, JSON.stringify({ i, ...run.widths, sc: run.scales, d: model.hiddenSize }));
  } catch (e) { const m = (e as Error).message.replace(/\d+/g, '#').slice(0, 60); refused.set(m, (refused.get(m) ?? 0) + 1); }
}
console.log('accepted', ok); console.log([...refused].sort((a, b) => b[1] - a[1]).slice(0, 25));
