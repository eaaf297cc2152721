// parts: int64.wgsl
// One or two terms of a contraction, one thread an entry i of the domain:
//   s = [acc[i]] + bias + coef·Σ_k f0·f1·f2 + coef'·Σ_k g0·g1
// FINAL: out = sign·⌊s / (odd·2^shift)⌋ and, with REM, rem = s − odd·2^shift·⌊…⌋; otherwise acc[i] = s.
// GATHER: f0 holds token ids, not a factor; f1 is read at the id's place (the sum over a one-hot axis).
// f0 … g1: int32 tensors; with WIDE those that have a second plane are 64-bit. Entry i lies at base + Σ digit·stride.
// flags[slot]: the smallest i whose value leaves [min, max]; flags[0], flags[1]: the value of entry `probe`.
// Grid: any number of workgroups; threads loop over the entries. CPU twin: prover/train/operations.ts.

override F: u32 = 1u;
override G: u32 = 0u;
override WIDE: bool = false;
override GATHER: bool = false;
override ACC: bool = false;
override FINAL: bool = true;
override REM: bool = false;
override ODD: bool = false;

struct Digit {
  size_f: vec4<u32>, // size, strides of f0, f1, f2
  g_out: vec4<u32>, // strides of g0, g1, out, rem
}

struct Params {
  grid: vec4<u32>, // entries, digits, flag slot, probe
  division: vec4<u32>, // shift, odd, 1: sign −1, stride of the gathered axis
  coefs: vec4<u32>, // coef, coef'
  bias: vec4<u32>, // bias, -, -
  range: vec4<u32>, // min, max
  sums: vec4<u32>, // outer and inner counts of both sums
  base_f: vec4<u32>, // f0, f1, f2, second plane of out (0: none)
  base_g: vec4<u32>, // g0, g1, out, rem
  plane_f: vec4<u32>, // second planes of f0, f1, f2
  plane_g: vec4<u32>, // second planes of g0, g1
  outer_f: vec4<u32>, // strides of the sums' outer and inner digits
  inner_f: vec4<u32>,
  inner_g: vec4<u32>, // outer g0, g1, inner g0, g1
  digits: array<Digit, 7>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> f0: array<i32>;
@group(0) @binding(2) var<storage, read> f1: array<i32>;
@group(0) @binding(3) var<storage, read> f2: array<i32>;
@group(0) @binding(4) var<storage, read> g0: array<i32>;
@group(0) @binding(5) var<storage, read> g1: array<i32>;
@group(0) @binding(6) var<storage, read_write> acc: array<vec2<u32>>;
@group(0) @binding(7) var<storage, read_write> out: array<u32>;
@group(0) @binding(8) var<storage, read_write> rem: array<u32>;
@group(0) @binding(9) var<storage, read_write> flags: array<atomic<u32>>;

fn wide(low: i32, high: i32, plane: u32) -> vec2<u32> {
  return vec2<u32>(u32(low), u32(select(high, low >> 31u, plane == 0u)));
}

fn product_f(at: vec3<u32>) -> vec2<u32> {
  if (GATHER) {
    let place = at.y + u32(f0[at.x]) * params.division.w;
    let value = f1[place];
    if (F == 3u) {
      return i32_mul(value, f2[at.z]);
    }
    return i64_from(value);
  }
  if (WIDE) {
    let plane = params.plane_f;
    var p = wide(f0[at.x], f0[at.x + plane.x], plane.x);
    if (F >= 2u) {
      p = i64_mul(p, wide(f1[at.y], f1[at.y + plane.y], plane.y));
    }
    if (F >= 3u) {
      p = i64_mul(p, wide(f2[at.z], f2[at.z + plane.z], plane.z));
    }
    return p;
  }
  if (F == 1u) {
    return i64_from(f0[at.x]);
  }
  let p = i32_mul(f0[at.x], f1[at.y]);
  if (F == 2u) {
    return p;
  }
  return i64_mul(p, i64_from(f2[at.z]));
}

fn product_g(at: vec2<u32>) -> vec2<u32> {
  if (WIDE) {
    let plane = params.plane_g;
    var p = wide(g0[at.x], g0[at.x + plane.x], plane.x);
    if (G >= 2u) {
      p = i64_mul(p, wide(g1[at.y], g1[at.y + plane.y], plane.y));
    }
    return p;
  }
  if (G == 1u) {
    return i64_from(g0[at.x]);
  }
  return i32_mul(g0[at.x], g1[at.y]);
}

fn sum_f(start: vec3<u32>) -> vec2<u32> {
  var sum = vec2<u32>(0u);
  var outer = start;
  for (var i = 0u; i < params.sums.x; i++) {
    var at = outer;
    for (var j = 0u; j < params.sums.y; j++) {
      sum = i64_add(sum, product_f(at));
      at += params.inner_f.xyz;
    }
    outer += params.outer_f.xyz;
  }
  return sum;
}

fn sum_g(start: vec2<u32>) -> vec2<u32> {
  var sum = vec2<u32>(0u);
  var outer = start;
  for (var i = 0u; i < params.sums.z; i++) {
    var at = outer;
    for (var j = 0u; j < params.sums.w; j++) {
      sum = i64_add(sum, product_g(at));
      at += params.inner_g.zw;
    }
    outer += params.inner_g.xy;
  }
  return sum;
}

fn finish(i: u32, s: vec2<u32>, at: vec2<u32>) {
  let shift = params.division.x;
  var q = i64_shift_right(s, shift);
  var rest = u64_low_bits(s, shift).x;
  if (ODD) {
    let r = i64_floor_divide(q, vec2<u32>(params.division.y, 0u));
    q = r.quotient;
    rest += r.remainder.x << shift;
  }
  if (params.division.z == 1u) {
    q = i64_negate(q);
  }
  if (i64_less(q, params.range.xy) || i64_less(params.range.zw, q)) {
    atomicMin(&flags[params.grid.z], i);
  }
  if (i == params.grid.w) {
    atomicStore(&flags[0], q.x);
    atomicStore(&flags[1], q.y);
  }
  out[at.x] = q.x;
  if (WIDE && params.base_f.w != 0u) {
    out[at.x + params.base_f.w] = q.y;
  }
  if (REM) {
    rem[at.y] = rest;
  }
}

fn entry(i: u32) {
  var f = params.base_f.xyz;
  var g = params.base_g;
  var rest = i;
  for (var d = params.grid.y; d > 0u; d--) {
    let digit = params.digits[d - 1u];
    // The first digit needs no division.
    var n = rest;
    if (d > 1u) {
      let above = rest / digit.size_f.x;
      n = rest - above * digit.size_f.x;
      rest = above;
    }
    f += n * digit.size_f.yzw;
    g += n * digit.g_out;
  }
  var s = params.bias.xy;
  if (ACC) {
    s = i64_add(s, acc[i]);
  }
  if (F > 0u) {
    s = i64_add(s, i64_mul(params.coefs.xy, sum_f(f)));
  }
  if (G > 0u) {
    s = i64_add(s, i64_mul(params.coefs.zw, sum_g(g.xy)));
  }
  if (FINAL) {
    finish(i, s, g.zw);
  } else {
    acc[i] = s;
  }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  for (var i = id.x; i < params.grid.x; i += 64u * groups.x) {
    entry(i);
  }
}
