// parts: field.wgsl grid.wgsl reduce.wgsl
// Round of a layer's sumcheck over x' < pairs, per workgroup: sums[0] = Σ eq[x']·h(0), sums[1] = Σ eq[x']·(coefficient of X²)
// of h(X) = p0·q1 + p1·q0 + λ·q0·q1 at (X, x'); and, for pairs ≤ x' < weights, sums[0] += λ·eq[x'] (there p = 0, q = 1).
// p, q: `length` F_p² elements of one chunk, index 4x' + 2·(x's lowest bit) + b, 0 and 1 beyond; pairs = ⌈length/4⌉.
// eq: from `eqBase` on. partials: [base + 2·group], [base + 2·group + 1].
// Grid: any; workgroups take blocks of x'. CPU twin: fractionRound in backend/cpu-fractions.ts.

// limbs_add of so many products stays in ext_reduce's range.
const LAZY_PRODUCTS = 128u;

struct Params { lambda: vec4<u32>, length: u32, pairs: u32, weights: u32, eqBase: u32, base: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> p: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> q: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> eq: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> partials: array<vec4<u32>>;

fn p_at(i: u32) -> vec4<u32> {
  return select(vec4<u32>(0u), p[i], i < params.length);
}

fn q_at(i: u32) -> vec4<u32> {
  return select(vec4<u32>(1u, 0u, 0u, 0u), q[i], i < params.length);
}

/** (p0 + λ·q0)·q1 + p1·q0. */
fn layer_term(p0: vec4<u32>, q0: vec4<u32>, p1: vec4<u32>, q1: vec4<u32>) -> vec4<u32> {
  let mixed = ext_add(p0, ext_mul(params.lambda, q0));
  return ext_reduce(limbs_add(ext_product(mixed, q1), ext_product(p1, q0)));
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  var constant = vec4<u32>(0u);
  var quadratic = vec4<u32>(0u);
  let span = block(params.pairs, group.x, groups.x);
  var x = span.x + thread;
  while (x < span.y) {
    // Spelt out: Dawn 0.6.2 zeroes a `var` without initialiser once, not in every turn of a loop.
    var lazyConstant = ExtLimbs();
    var lazyQuadratic = ExtLimbs();
    let end = min(span.y, x + LAZY_PRODUCTS * THREADS);
    for (; x < end; x += THREADS) {
      let i = 4u * x;
      let weight = eq[params.eqBase + x];
      let p0 = p_at(i);
      let p1 = p_at(i + 1u);
      let q0 = q_at(i);
      let q1 = q_at(i + 1u);
      lazyConstant = limbs_add(lazyConstant, ext_product(weight, layer_term(p0, q0, p1, q1)));
      let slope = layer_term(
        ext_sub(p_at(i + 2u), p0), ext_sub(q_at(i + 2u), q0), ext_sub(p_at(i + 3u), p1), ext_sub(q_at(i + 3u), q1));
      lazyQuadratic = limbs_add(lazyQuadratic, ext_product(weight, slope));
    }
    constant = ext_add(constant, ext_reduce(lazyConstant));
    quadratic = ext_add(quadratic, ext_reduce(lazyQuadratic));
  }
  var tail = vec4<u32>(0u);
  let beyond = block(params.weights - params.pairs, group.x, groups.x);
  for (var x = beyond.x + thread; x < beyond.y; x += THREADS) {
    tail = ext_add(tail, eq[params.eqBase + params.pairs + x]);
  }
  partial[thread] = ext_add(constant, ext_mul(params.lambda, tail));
  partial[THREADS + thread] = quadratic;
  let sum = column_sum(thread, 2u);
  if (thread < 2u) {
    partials[params.base + 2u * group.x + thread] = sum;
  }
}
