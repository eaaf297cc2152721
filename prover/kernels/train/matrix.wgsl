// parts: train/quads.wgsl
// A sum of products out[b, m, n] = sign·⌊([acc] + bias + Σ_k a[b, m, k]·b[b, n, k]) / 2^shift⌋, or the sum into acc.
// A thread does four m by four n, with four k in a turn: vec4 loads run along k, or along m and n.
// Products are summed twice over `chunk` turns: modulo 2^32, exactly, and in float32, whose error the chunk's length
// keeps below 2^31; together they give the sum, which is added in 64 bits.
// a, b: int32 tensors, out and rem contiguous along n. Addresses are base + Σ digit·stride, all multiples of 4 words
// but the ones that vec4s run along; those of rows and columns count quads.
// flags[slot]: the smallest entry of the domain whose value leaves [min, max]; with the option, flags[0] and flags[1]
// receive the value of entry `probe`. Options are loops of no or one turn, since a CPU driver computes both sides of an
// `if`, and one pipeline takes it seconds to compile.
// Grid: any number of workgroups. CPU twin: prover/train/operations.ts.

// Size and strides: rows a, out, rem, entry; columns b, out, rem, entry; batch a, b, out, rem, entry.
struct Digit {
  first: vec4<u32>,
  second: vec4<u32>,
}

struct Params {
  counts: vec4<u32>, // tiles, quads of columns, quads of rows, turns between joins
  ending: vec4<u32>, // shift, 1: sign −1, flag slot, probe
  bias: vec4<u32>, // bias, -, -
  range: vec4<u32>, // min, max
  base: vec4<u32>, // a, b, out, rem
  row: vec4<u32>, // strides from one m of a quad to the next: a, out, rem, entry
  sum: vec4<u32>, // outer count of k, inner count in quads, stride of b from one n of a quad to the next
  steps: vec4<u32>, // strides of k: outer a, b, inner a, b
  digits: vec4<u32>, // counts of the digits of rows, columns, batch
  options: vec4<u32>, // 1: add acc, end (else keep acc), keep rem, probe
  along: vec4<u32>, // 1: a's vec4s run along k, b's do
  rows: array<Digit, 4>,
  columns: array<Digit, 4>,
  batch: array<Digit, 4>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4<i32>>;
@group(0) @binding(2) var<storage, read> b: array<vec4<i32>>;
@group(0) @binding(3) var<storage, read_write> acc: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> rem: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read_write> flags: array<atomic<u32>>;

struct Place {
  a: u32,
  b: u32,
  out: u32,
  rem: u32,
  entry: u32,
}

fn place_of(t: u32) -> Place {
  var p = Place(params.base.x, params.base.y, params.base.z, params.base.w, 0u);
  let above = t / params.counts.y;
  var rest = t - above * params.counts.y;
  for (var d = params.digits.y; d > 0u; d--) {
    let digit = params.columns[d - 1u];
    let next = rest / digit.first.x;
    let i = rest - next * digit.first.x;
    rest = next;
    p.b += i * digit.first.y;
    p.out += i * digit.first.z;
    p.rem += i * digit.first.w;
    p.entry += i * digit.second.x;
  }
  var batch = above / params.counts.z;
  rest = above - batch * params.counts.z;
  for (var d = params.digits.x; d > 0u; d--) {
    let digit = params.rows[d - 1u];
    let next = rest / digit.first.x;
    let i = rest - next * digit.first.x;
    rest = next;
    p.a += i * digit.first.y;
    p.out += i * digit.first.z;
    p.rem += i * digit.first.w;
    p.entry += i * digit.second.x;
  }
  for (var d = params.digits.z; d > 0u; d--) {
    let digit = params.batch[d - 1u];
    let next = batch / digit.first.x;
    let i = batch - next * digit.first.x;
    batch = next;
    p.a += i * digit.first.y;
    p.b += i * digit.first.z;
    p.out += i * digit.first.w;
    p.rem += i * digit.second.x;
    p.entry += i * digit.second.y;
  }
  return p;
}

// Four k by four m or n.
struct Block {
  k0: vec4<i32>,
  k1: vec4<i32>,
  k2: vec4<i32>,
  k3: vec4<i32>,
}

// The block as it was read, or with k and the other index exchanged.
fn oriented(r: Block, exchange: bool) -> Block {
  let e = vec4<bool>(exchange);
  return Block(
    select(r.k0, vec4<i32>(r.k0.x, r.k1.x, r.k2.x, r.k3.x), e),
    select(r.k1, vec4<i32>(r.k0.y, r.k1.y, r.k2.y, r.k3.y), e),
    select(r.k2, vec4<i32>(r.k0.z, r.k1.z, r.k2.z, r.k3.z), e),
    select(r.k3, vec4<i32>(r.k0.w, r.k1.w, r.k2.w, r.k3.w), e),
  );
}

fn block_a(at: u32, s: u32, along_k: bool) -> Block {
  return oriented(Block(a[at >> 2u], a[(at + s) >> 2u], a[(at + 2u * s) >> 2u], a[(at + 3u * s) >> 2u]), along_k);
}

fn block_b(at: u32, s: u32, along_k: bool) -> Block {
  return oriented(Block(b[at >> 2u], b[(at + s) >> 2u], b[(at + 2u * s) >> 2u], b[(at + 3u * s) >> 2u]), along_k);
}

// Sums of products for four m (one vec4 each, over n).
struct Sums {
  low0: vec4<i32>,
  low1: vec4<i32>,
  low2: vec4<i32>,
  low3: vec4<i32>,
  near0: vec4<f32>,
  near1: vec4<f32>,
  near2: vec4<f32>,
  near3: vec4<f32>,
}

fn add_products(s: Sums, x: vec4<i32>, y: vec4<i32>) -> Sums {
  let xf = vec4<f32>(x);
  let yf = vec4<f32>(y);
  return Sums(
    s.low0 + x.x * y,
    s.low1 + x.y * y,
    s.low2 + x.z * y,
    s.low3 + x.w * y,
    s.near0 + xf.x * yf,
    s.near1 + xf.y * yf,
    s.near2 + xf.z * yf,
    s.near3 + xf.w * yf,
  );
}

// Adds the sums whose values modulo 2^32 are `low` and which are within 2^31 of `near`.
fn add_exact(sum: Quad, low: vec4<i32>, near: vec4<f32>) -> Quad {
  let high = vec4<i32>(round((near - vec4<f32>(low)) * (1.0 / 4294967296.0))) + (low >> vec4<u32>(31u));
  return quad_add(sum, Quad(vec4<u32>(low), vec4<u32>(high)));
}

fn store(sum: Quad, entry: u32, at_out: u32, at_rem: u32) {
  var s = quad_add(sum, quad_splat(params.bias.xy));
  let e = entry >> 1u;
  for (var once = 0u; once < params.options.x; once++) {
    let u = acc[e];
    let v = acc[e + 1u];
    s = quad_add(s, Quad(vec4<u32>(u.x, u.z, v.x, v.z), vec4<u32>(u.y, u.w, v.y, v.w)));
  }
  for (var once = params.options.y; once < 1u; once++) {
    acc[e] = vec4<u32>(s.low.x, s.high.x, s.low.y, s.high.y);
    acc[e + 1u] = vec4<u32>(s.low.z, s.high.z, s.low.w, s.high.w);
  }
  for (var once = 0u; once < params.options.y; once++) {
    let q = quad_shift_right(s, params.ending.x, params.ending.y == 1u);
    let outside = quad_outside(q, params.range);
    if (any(outside)) {
      atomicMin(&flags[params.ending.z], entry + first_set(outside));
    }
    for (var twice = 0u; twice < params.options.w; twice++) {
      let i = params.ending.w - entry;
      if (i < 4u) {
        let value = quad_pick(q, i);
        atomicStore(&flags[0], value.x);
        atomicStore(&flags[1], value.y);
      }
    }
    out[at_out >> 2u] = q.low;
  }
  for (var once = 0u; once < params.options.z; once++) {
    rem[at_rem >> 2u] = quad_low_bits(s, params.ending.x);
  }
}

fn tile(start: Place) {
  var p = start;
  let a_along = params.along.x == 1u;
  let b_along = params.along.y == 1u;
  let a_stride = select(params.steps.z, params.row.x, a_along);
  let b_stride = select(params.steps.w, params.sum.z, b_along);
  let zero = quad_splat(vec2<u32>(0u));
  var s0 = zero;
  var s1 = zero;
  var s2 = zero;
  var s3 = zero;
  for (var outer = 0u; outer < params.sum.x; outer++) {
    var at_a = p.a + outer * params.steps.x;
    var at_b = p.b + outer * params.steps.y;
    var k = 0u;
    while (k < params.sum.y) {
      let end = min(k + params.counts.w, params.sum.y);
      let none = vec4<i32>(0);
      let nought = vec4<f32>(0.0);
      var sums = Sums(none, none, none, none, nought, nought, nought, nought);
      for (; k < end; k++) {
        let x = block_a(at_a, a_stride, a_along);
        let y = block_b(at_b, b_stride, b_along);
        sums = add_products(sums, x.k0, y.k0);
        sums = add_products(sums, x.k1, y.k1);
        sums = add_products(sums, x.k2, y.k2);
        sums = add_products(sums, x.k3, y.k3);
        at_a += 4u * params.steps.z;
        at_b += 4u * params.steps.w;
      }
      s0 = add_exact(s0, sums.low0, sums.near0);
      s1 = add_exact(s1, sums.low1, sums.near1);
      s2 = add_exact(s2, sums.low2, sums.near2);
      s3 = add_exact(s3, sums.low3, sums.near3);
    }
  }
  // The rows move up, so that one copy of the code stores them all.
  for (var i = 0u; i < 4u; i++) {
    store(s0, p.entry, p.out, p.rem);
    s0 = s1;
    s1 = s2;
    s2 = s3;
    p.out += params.row.y;
    p.rem += params.row.z;
    p.entry += params.row.w;
  }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  for (var t = id.x; t < params.counts.x; t += 64u * groups.x) {
    tile(place_of(t));
  }
}
