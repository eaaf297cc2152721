// parts: int64.wgsl
// A sum of products out[b, m, n] = sign·⌊([acc] + bias + Σ_k a[b, m, k]·b[b, n, k]) / 2^shift⌋, or the sum into acc.
// One thread holds 16 (V = 4), 8 or 4 outputs n of one m, so that b's addresses are the same for a whole workgroup.
// Products are summed twice over `chunk` indices: modulo 2^32, exactly, and in float32, whose error the chunk's
// length keeps below 2^30; together they give the sum, which is added in 64 bits.
// a, b: int32 tensors; tables: for each n the offsets in b, out, rem and acc, for each k those in a and b.
// flags, probe: as in contract.wgsl. Grid: any number of workgroups of 64 m; they loop over the tiles.
// CPU twin: prover/train/cpu-engine.ts.

override V: u32 = 4u;
override ACC: bool = false;
override FINAL: bool = true;
override REM: bool = false;

struct Params {
  sizes: vec4<u32>, // m, n, k, chunk
  counts: vec4<u32>, // digits of m, digits of b, tiles of n, tiles altogether
  tables: vec4<u32>, // starts of the tables of n and k, flag slot, probe
  bias: vec4<u32>, // bias, shift, 1: sign −1
  range: vec4<u32>, // min, max
  base: vec4<u32>, // a, b, out, rem
  batch: array<mat2x4u, 4>, // size, a, b, out; rem, acc
  rows: array<mat2x4u, 6>, // size, a, out, rem; acc
}
struct mat2x4u {
  first: vec4<u32>,
  second: vec4<u32>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<i32>;
@group(0) @binding(2) var<storage, read> b: array<i32>;
@group(0) @binding(3) var<storage, read> tables: array<u32>;
@group(0) @binding(4) var<storage, read_write> acc: array<vec2<u32>>;
@group(0) @binding(5) var<storage, read_write> out: array<u32>;
@group(0) @binding(6) var<storage, read_write> rem: array<u32>;
@group(0) @binding(7) var<storage, read_write> flags: array<atomic<u32>>;

struct Place {
  a: u32,
  b: u32,
  out: u32,
  rem: u32,
  acc: u32,
}

fn add_batch(start: Place, index: u32) -> Place {
  var p = start;
  var rest = index;
  for (var d = params.counts.y; d > 0u; d--) {
    let digit = params.batch[d - 1u];
    let above = rest / digit.first.x;
    let n = rest - above * digit.first.x;
    rest = above;
    p.a += n * digit.first.y;
    p.b += n * digit.first.z;
    p.out += n * digit.first.w;
    p.rem += n * digit.second.x;
    p.acc += n * digit.second.y;
  }
  return p;
}

fn add_row(start: Place, index: u32) -> Place {
  var p = start;
  var rest = index;
  for (var d = params.counts.x; d > 0u; d--) {
    let digit = params.rows[d - 1u];
    let above = rest / digit.first.x;
    let n = rest - above * digit.first.x;
    rest = above;
    p.a += n * digit.first.y;
    p.out += n * digit.first.z;
    p.rem += n * digit.first.w;
    p.acc += n * digit.second.x;
  }
  return p;
}

// The sum whose value modulo 2^32 is `low` and which is within 2^31 of `near`.
fn exact(low: i32, near: f32) -> vec2<u32> {
  let high = i32(round((near - f32(low)) * (1.0 / 4294967296.0)));
  return vec2<u32>(u32(low), u32(high + (low >> 31u)));
}

fn store(p: Place, n: u32, sum: vec2<u32>) {
  if (n >= params.sizes.y) {
    return;
  }
  let at = params.tables.x + 4u * n;
  let i = p.acc + tables[at + 3u];
  var s = i64_add(sum, params.bias.xy);
  if (ACC) {
    s = i64_add(s, acc[i]);
  }
  if (!FINAL) {
    acc[i] = s;
    return;
  }
  let shift = params.bias.z;
  var q = i64_shift_right(s, shift);
  if (params.bias.w == 1u) {
    q = i64_negate(q);
  }
  if (i64_less(q, params.range.xy) || i64_less(params.range.zw, q)) {
    atomicMin(&flags[params.tables.z], i);
  }
  if (i == params.tables.w) {
    atomicStore(&flags[0], q.x);
    atomicStore(&flags[1], q.y);
  }
  out[p.out + tables[at + 1u]] = q.x;
  if (REM) {
    rem[p.rem + tables[at + 2u]] = u64_low_bits(s, shift).x;
  }
}

fn tile(p: Place, first: u32) {
  // Indices beyond n read the last one's factors; their sums are not stored.
  let last = params.sizes.y - 1u;
  var places: array<vec4<u32>, 4>;
  for (var v = 0u; v < V; v++) {
    let n = min(vec4<u32>(first + 4u * v) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(last)) * 4u + params.tables.x;
    places[v] = vec4<u32>(p.b) + vec4<u32>(tables[n.x], tables[n.y], tables[n.z], tables[n.w]);
  }
  var lows: array<vec4<u32>, 4>;
  var highs: array<vec4<u32>, 4>;
  var k = 0u;
  while (k < params.sizes.z) {
    let end = min(k + params.sizes.w, params.sizes.z);
    var low: array<vec4<i32>, 4>;
    var near: array<vec4<f32>, 4>;
    for (; k < end; k++) {
      let at = params.tables.y + 2u * k;
      let x = a[p.a + tables[at]];
      let start = tables[at + 1u];
      for (var v = 0u; v < V; v++) {
        let o = places[v] + start;
        let y = vec4<i32>(b[o.x], b[o.y], b[o.z], b[o.w]);
        low[v] += x * y;
        near[v] = fma(vec4<f32>(f32(x)), vec4<f32>(y), near[v]);
      }
    }
    for (var v = 0u; v < V; v++) {
      for (var j = 0u; j < 4u; j++) {
        let s = i64_add(vec2<u32>(lows[v][j], highs[v][j]), exact(low[v][j], near[v][j]));
        lows[v][j] = s.x;
        highs[v][j] = s.y;
      }
    }
  }
  for (var v = 0u; v < V; v++) {
    for (var j = 0u; j < 4u; j++) {
      store(p, first + 4u * v + j, vec2<u32>(lows[v][j], highs[v][j]));
    }
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let blocks = (params.sizes.x + 63u) / 64u;
  for (var t = group.x; t < params.counts.w; t += groups.x) {
    let above = t / params.counts.z;
    let first = (t - above * params.counts.z) * 4u * V;
    let batch = above / blocks;
    let m = (above - batch * blocks) * 64u + lane;
    let start = add_batch(Place(params.base.x, params.base.y, params.base.z, params.base.w, 0u), batch);
    if (m < params.sizes.x) {
      tile(add_row(start, m), first);
    }
  }
}
