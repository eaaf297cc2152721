// parts: train/quads.wgsl
// One or two terms of a contraction, four entries of the domain at once (the innermost index runs over quads):
//   s = [acc] + bias + coef·Σ_k f0·f1·f2 + coef'·Σ_k g0·g1,   out = sign·⌊s / 2^shift⌋, rem = s mod 2^shift; or acc = s.
// ALONG_K: one entry a thread, four k at once instead (one term, F of it at most two).
// GATHER: f0 holds a token id, not a factor; f1 is read at the id's place (the sum over a one-hot axis).
// F0 … G1: how a factor's four values lie: 0 one for all, 1 side by side (addresses are multiples of 4), 2 apart.
// OUT: 1 side by side, 2 apart. flags, options and probe: as in matrix.wgsl.
// Grid: any number of workgroups. CPU twin: prover/train/operations.ts.

override F: u32 = 1u;
override G: u32 = 0u;
override ALONG_K: bool = false;
override GATHER: bool = false;
override F0: u32 = 1u;
override F1: u32 = 1u;
override F2: u32 = 1u;
override G0: u32 = 1u;
override G1: u32 = 1u;
override OUT: u32 = 1u;

struct Digit {
  size_f: vec4<u32>, // size, strides of f0, f1, f2
  g_out: vec4<u32>, // strides of g0, g1, out, rem
}

struct Params {
  grid: vec4<u32>, // threads, digits, flag slot, probe
  ending: vec4<u32>, // shift, 1: sign −1, stride of the gathered axis
  coefs: vec4<u32>, // coef, coef'
  bias: vec4<u32>, // bias, -, -
  range: vec4<u32>, // min, max
  sums: vec4<u32>, // outer and inner counts of both sums
  base_f: vec4<u32>, // f0, f1, f2
  base_g: vec4<u32>, // g0, g1, out, rem
  apart_f: vec4<u32>, // strides between the four values of f0, f1, f2
  apart_g: vec4<u32>, // of g0, g1, out, rem
  outer_f: vec4<u32>, // strides of the sums' outer and inner digits
  inner_f: vec4<u32>,
  inner_g: vec4<u32>, // outer g0, g1, inner g0, g1
  options: vec4<u32>, // 1: add acc, end (else keep acc), keep rem, probe
  digits: array<Digit, 7>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> f0: array<vec4<i32>>;
@group(0) @binding(2) var<storage, read> f1: array<vec4<i32>>;
@group(0) @binding(3) var<storage, read> f2: array<vec4<i32>>;
@group(0) @binding(4) var<storage, read> g0: array<vec4<i32>>;
@group(0) @binding(5) var<storage, read> g1: array<vec4<i32>>;
@group(0) @binding(6) var<storage, read_write> acc: array<vec4<u32>>;
@group(0) @binding(7) var<storage, read_write> out: array<vec4<u32>>;
@group(0) @binding(8) var<storage, read_write> rem: array<vec4<u32>>;
@group(0) @binding(9) var<storage, read_write> flags: array<atomic<u32>>;

fn f0_one(i: u32) -> i32 { return f0[i >> 2u][i & 3u]; }
fn f1_one(i: u32) -> i32 { return f1[i >> 2u][i & 3u]; }
fn f2_one(i: u32) -> i32 { return f2[i >> 2u][i & 3u]; }
fn g0_one(i: u32) -> i32 { return g0[i >> 2u][i & 3u]; }
fn g1_one(i: u32) -> i32 { return g1[i >> 2u][i & 3u]; }

fn read_f0(i: u32) -> vec4<i32> {
  if (F0 == 1u) {
    return f0[i >> 2u];
  }
  if (F0 == 0u) {
    return vec4<i32>(f0_one(i));
  }
  let s = params.apart_f.x;
  return vec4<i32>(f0_one(i), f0_one(i + s), f0_one(i + 2u * s), f0_one(i + 3u * s));
}

fn read_f1(i: u32) -> vec4<i32> {
  if (F1 == 1u) {
    return f1[i >> 2u];
  }
  if (F1 == 0u) {
    return vec4<i32>(f1_one(i));
  }
  let s = params.apart_f.y;
  return vec4<i32>(f1_one(i), f1_one(i + s), f1_one(i + 2u * s), f1_one(i + 3u * s));
}

fn read_f2(i: u32) -> vec4<i32> {
  if (F2 == 1u) {
    return f2[i >> 2u];
  }
  if (F2 == 0u) {
    return vec4<i32>(f2_one(i));
  }
  let s = params.apart_f.z;
  return vec4<i32>(f2_one(i), f2_one(i + s), f2_one(i + 2u * s), f2_one(i + 3u * s));
}

fn read_g0(i: u32) -> vec4<i32> {
  if (G0 == 1u) {
    return g0[i >> 2u];
  }
  if (G0 == 0u) {
    return vec4<i32>(g0_one(i));
  }
  let s = params.apart_g.x;
  return vec4<i32>(g0_one(i), g0_one(i + s), g0_one(i + 2u * s), g0_one(i + 3u * s));
}

fn read_g1(i: u32) -> vec4<i32> {
  if (G1 == 1u) {
    return g1[i >> 2u];
  }
  if (G1 == 0u) {
    return vec4<i32>(g1_one(i));
  }
  let s = params.apart_g.y;
  return vec4<i32>(g1_one(i), g1_one(i + s), g1_one(i + 2u * s), g1_one(i + 3u * s));
}

fn product_f(at: vec3<u32>) -> Quad {
  if (GATHER) {
    let value = read_f1(at.y + u32(f0_one(at.x)) * params.ending.z);
    if (F == 3u) {
      return quad_mul_words(value, read_f2(at.z));
    }
    return quad_from(value);
  }
  let x = read_f0(at.x);
  if (F == 1u) {
    return quad_from(x);
  }
  let p = quad_mul_words(x, read_f1(at.y));
  if (F == 2u) {
    return p;
  }
  return quad_mul(p, quad_from(read_f2(at.z)));
}

fn product_g(at: vec2<u32>) -> Quad {
  let x = read_g0(at.x);
  if (G == 1u) {
    return quad_from(x);
  }
  return quad_mul_words(x, read_g1(at.y));
}

fn sum_f(start: vec3<u32>) -> Quad {
  var sum = quad_splat(vec2<u32>(0u));
  var outer = start;
  for (var i = 0u; i < params.sums.x; i++) {
    var at = outer;
    for (var j = 0u; j < params.sums.y; j++) {
      sum = quad_add(sum, product_f(at));
      at += params.inner_f.xyz;
    }
    outer += params.outer_f.xyz;
  }
  if (ALONG_K) {
    // The four sums belong to one entry.
    let pair = quad_add(sum, Quad(sum.low.zwxy, sum.high.zwxy));
    return quad_add(pair, Quad(pair.low.yxwz, pair.high.yxwz));
  }
  return sum;
}

fn sum_g(start: vec2<u32>) -> Quad {
  var sum = quad_splat(vec2<u32>(0u));
  var outer = start;
  for (var i = 0u; i < params.sums.z; i++) {
    var at = outer;
    for (var j = 0u; j < params.sums.w; j++) {
      sum = quad_add(sum, product_g(at));
      at += params.inner_g.zw;
    }
    outer += params.inner_g.xy;
  }
  return sum;
}

fn load_acc(t: u32) -> Quad {
  if (ALONG_K) {
    let v = acc[t >> 1u];
    return quad_splat(select(v.xy, v.zw, (t & 1u) == 1u));
  }
  let u = acc[2u * t];
  let v = acc[2u * t + 1u];
  return Quad(vec4<u32>(u.x, u.z, v.x, v.z), vec4<u32>(u.y, u.w, v.y, v.w));
}

fn store_acc(t: u32, s: Quad) {
  if (ALONG_K) {
    let i = 2u * (t & 1u);
    acc[t >> 1u][i] = s.low.x;
    acc[t >> 1u][i + 1u] = s.high.x;
  } else {
    acc[2u * t] = vec4<u32>(s.low.x, s.high.x, s.low.y, s.high.y);
    acc[2u * t + 1u] = vec4<u32>(s.low.z, s.high.z, s.low.w, s.high.w);
  }
}

fn store_out(at: u32, v: vec4<u32>) {
  if (ALONG_K) {
    out[at >> 2u][at & 3u] = v.x;
  } else if (OUT == 1u) {
    out[at >> 2u] = v;
  } else {
    for (var j = 0u; j < 4u; j++) {
      let i = at + j * params.apart_g.z;
      out[i >> 2u][i & 3u] = v[j];
    }
  }
}

fn store_rem(at: u32, v: vec4<u32>) {
  if (ALONG_K) {
    rem[at >> 2u][at & 3u] = v.x;
  } else if (OUT == 1u) {
    rem[at >> 2u] = v;
  } else {
    for (var j = 0u; j < 4u; j++) {
      let i = at + j * params.apart_g.w;
      rem[i >> 2u][i & 3u] = v[j];
    }
  }
}

fn finish(t: u32, s: Quad, at: vec2<u32>) {
  let entry = select(4u * t, t, ALONG_K);
  let q = quad_shift_right(s, params.ending.x, params.ending.y == 1u);
  let outside = quad_outside(q, params.range);
  if (any(outside)) {
    atomicMin(&flags[params.grid.z], entry + first_set(outside));
  }
  for (var once = 0u; once < params.options.w; once++) {
    let i = params.grid.w - entry;
    if (i < select(4u, 1u, ALONG_K)) {
      let value = quad_pick(q, i);
      atomicStore(&flags[0], value.x);
      atomicStore(&flags[1], value.y);
    }
  }
  store_out(at.x, q.low);
  for (var once = 0u; once < params.options.z; once++) {
    store_rem(at.y, quad_low_bits(s, params.ending.x));
  }
}

fn entry_of(t: u32) {
  var f = params.base_f.xyz;
  var g = params.base_g;
  var rest = t;
  for (var d = params.grid.y; d > 1u; d--) {
    let digit = params.digits[d - 1u];
    let above = rest / digit.size_f.x;
    let n = rest - above * digit.size_f.x;
    rest = above;
    f += n * digit.size_f.yzw;
    g += n * digit.g_out;
  }
  // The first digit needs no division.
  f += rest * params.digits[0].size_f.yzw;
  g += rest * params.digits[0].g_out;
  var s = quad_splat(params.bias.xy);
  for (var once = 0u; once < params.options.x; once++) {
    s = quad_add(s, load_acc(t));
  }
  if (F > 0u) {
    s = quad_add(s, quad_mul(quad_splat(params.coefs.xy), sum_f(f)));
  }
  if (G > 0u) {
    s = quad_add(s, quad_mul(quad_splat(params.coefs.zw), sum_g(g.xy)));
  }
  for (var once = 0u; once < params.options.y; once++) {
    finish(t, s, g.zw);
  }
  for (var once = params.options.y; once < 1u; once++) {
    store_acc(t, s);
  }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  for (var t = id.x; t < params.grid.x; t += 64u * groups.x) {
    entry_of(t);
  }
}
