// parts: field.wgsl grid.wgsl reduce.wgsl
// out[at + k] (+)= Σ_parts coef · Σ_u weights[u]·cells[base + kept offset of j + bound offset of u], j = first + k, k < count;
// nothing where a digit of j or u is at or above its size. A part without cells has the value 1 instead.
// Offsets: digits of j (kept) and u (bound), lowest first, times the part's strides, modulo 2^32.
// table: kept digits (size, bits), bound digits (size, bits), then for each part: coef (4 words), base, hasCells, kept
// strides, bound strides. cells0 … cells3: consecutive chunks of 2^chunkLog cells; indices count from the first one.
// SHARED: a workgroup per output, its threads share u; else a thread per output, workgroups taking blocks of k.
// WEIGHTED: false when nothing is bound; the one weight is then in the coefficients. CPU twin: bind in backend/cpu-tables.ts.

override SHARED: bool;
override WEIGHTED: bool;

// limbs_mul by a u32 adds limbs below 14·2^16; so many sums stay below limbs_reduce's limit of 2^30.
const LAZY_SUMS = 1024u;

struct Params {
  at: u32, first: u32, count: u32, boundSize: u32,
  kept: u32, bound: u32, parts: u32, chunkLog: u32,
  add: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> table: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> cells0: array<u32>;
@group(0) @binding(4) var<storage, read> cells1: array<u32>;
@group(0) @binding(5) var<storage, read> cells2: array<u32>;
@group(0) @binding(6) var<storage, read> cells3: array<u32>;
@group(0) @binding(7) var<storage, read_write> out: array<vec4<u32>>;

fn cell(index: u32) -> u32 {
  let i = index & ((1u << params.chunkLog) - 1u);
  switch index >> params.chunkLog {
    case 0u: { return cells0[i]; }
    case 1u: { return cells1[i]; }
    case 2u: { return cells2[i]; }
    default: { return cells3[i]; }
  }
}

/** (1, Σ digit·stride) of an index over `count` digits at table[2·digit …], or (0, 0) where a digit has no value. */
fn offset(index: u32, digit: u32, count: u32, strides: u32) -> vec2<u32> {
  var rest = index;
  var sum = 0u;
  for (var d = 0u; d < count; d++) {
    let bits = table[2u * (digit + d) + 1u];
    let value = rest & ((1u << bits) - 1u);
    if (value >= table[2u * (digit + d)]) {
      return vec2<u32>(0u);
    }
    sum += value * table[strides + d];
    rest >>= bits;
  }
  return vec2<u32>(1u, sum);
}

/** The sum for output j over u = start, start + step, … */
fn value(j: u32, start: u32, step: u32) -> vec4<u32> {
  var total = vec4<u32>(0u);
  for (var part = 0u; part < params.parts; part++) {
    let at = 2u * (params.kept + params.bound) + part * (6u + params.kept + params.bound);
    let coef = vec4<u32>(table[at], table[at + 1u], table[at + 2u], table[at + 3u]);
    let hasCells = table[at + 5u] == 1u;
    let kept = offset(j, 0u, params.kept, at + 6u);
    if (kept.x == 0u) {
      return total;
    }
    let base = table[at + 4u] + kept.y;
    if (!WEIGHTED) {
      var x = 1u;
      if (hasCells) {
        x = cell(base);
      }
      total = ext_add(total, ext_scale_u32(coef, select(0u, x, start == 0u)));
      continue;
    }
    var sum = vec4<u32>(0u);
    var u = start;
    while (u < params.boundSize) {
      var limbs = ExtLimbs(vec4<u32>(0u), vec4<u32>(0u));
      for (var n = 0u; n < LAZY_SUMS && u < params.boundSize; n++) {
        let bound = offset(u, params.kept, params.bound, at + 6u + params.kept);
        if (bound.x == 1u) {
          var x = 1u;
          if (hasCells) {
            x = cell(base + bound.y);
          }
          limbs = limbs_add(limbs, ext_product_u32(weights[u], x));
        }
        u += step;
      }
      sum = ext_add(sum, ext_reduce(limbs));
    }
    total = ext_add(total, ext_mul(coef, sum));
  }
  return total;
}

fn store(k: u32, sum: vec4<u32>) {
  if (params.add == 1u) {
    out[params.at + k] = ext_add(out[params.at + k], sum);
  } else {
    out[params.at + k] = sum;
  }
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  if (SHARED) {
    for (var k = group.x; k < params.count; k += groups.x) {
      partial[thread] = value(params.first + k, thread, THREADS);
      let sum = column_sum(thread, 1u);
      if (thread == 0u) {
        store(k, sum);
      }
      workgroupBarrier();
    }
  } else {
    let span = block(params.count, group.x, groups.x);
    for (var k = span.x + thread; k < span.y; k += THREADS) {
      store(k, value(params.first + k, 0u, 1u));
    }
  }
}
