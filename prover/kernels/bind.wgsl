// parts: field.wgsl grid.wgsl reduce.wgsl cells.wgsl
// out[at + k] (+)= Σ_parts coef · Σ_u weights[u]·cells[base + kept offset of j + bound offset of u], j = first + k, k < count;
// nothing where a digit of j or u is at or above its size. A part without cells has the value 1 instead.
// Offsets: digits of j (kept) and u (bound), lowest first, times the part's strides, modulo 2^32.
// table: kept digits (size, bits), bound digits (size, bits), then for each part: coef (4 words), base, hasCells, kept
// strides, bound strides. The lowest bound digit ("inner") is looped over by its stride; there is always one.
// Cells: consecutive chunks of 2^chunkLog; indices count from the first one's start.
// SHARED: a workgroup per output, its threads share the inner digit (innerStep = THREADS) or the rest of u (innerStep
// = 1); else a thread per output, workgroups taking blocks of k.
// WEIGHTED: false when nothing is bound; the one weight is then in the coefficients. CPU twin: bind in backend/cpu-tables.ts.

override SHARED: bool;
override WEIGHTED: bool;

// limbs_mul by a u32 adds limbs below 14·2^16; so many sums stay below limbs_reduce's limit of 2^30.
const LAZY_SUMS = 1024u;

struct Params {
  at: u32, first: u32, count: u32, boundSize: u32,
  kept: u32, bound: u32, parts: u32, chunkLog: u32,
  add: u32, innerStep: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> table: array<u32>;
@group(0) @binding(6) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(7) var<storage, read_write> out: array<vec4<u32>>;

fn cell(index: u32) -> u32 {
  if (SLOTS <= 1u) {
    return cells0[index];
  }
  return cell_in(index >> params.chunkLog, index & ((1u << params.chunkLog) - 1u));
}

/** (1, Σ digit·stride) of an index over `count` digits at table[2·digit …], or (0, 0) where a digit has no value. */
fn offset(index: u32, digit: u32, count: u32, strides: u32) -> vec2<u32> {
  var rest = index;
  var sum = 0u;
  var real = 1u;
  for (var d = 0u; d < count; d++) {
    let bits = table[2u * (digit + d) + 1u];
    let value = rest & ((1u << bits) - 1u);
    real &= u32(value < table[2u * (digit + d)]);
    sum += value * table[strides + d];
    rest >>= bits;
  }
  return vec2<u32>(real, sum);
}

/** Σ weights[u + d]·cells[base + d·stride] over the inner digits d = start, start + step, … below `size`. */
fn inner_sum(base: u32, hasCells: bool, u: u32, size: u32, stride: u32, start: u32, step: u32) -> vec4<u32> {
  var sum = vec4<u32>(0u);
  for (var turn = start; turn < size; turn += LAZY_SUMS * step) {
    var limbs = ExtLimbs(vec4<u32>(0u), vec4<u32>(0u));
    let end = min(size, turn + LAZY_SUMS * step);
    if (hasCells) {
      for (var d = turn; d < end; d += step) {
        limbs = limbs_add(limbs, ext_product_u32(weights[u + d], cell(base + d * stride)));
      }
      sum = ext_add(sum, ext_reduce(limbs));
    } else {
      for (var d = turn; d < end; d += step) {
        sum = ext_add(sum, weights[u + d]);
      }
    }
  }
  return sum;
}

/** The part's sum for one output over the share of `thread`; `base` includes the output's offset. */
fn bound_sum(base: u32, hasCells: bool, strides: u32, thread: u32) -> vec4<u32> {
  let size = table[2u * params.kept];
  let bits = table[2u * params.kept + 1u];
  var outer = 0u;
  var outerStep = 1u;
  var inner = 0u;
  if (SHARED && params.innerStep == 1u) {
    outer = thread;
    outerStep = THREADS;
  } else if (SHARED) {
    inner = thread;
  }
  var sum = vec4<u32>(0u);
  for (; outer < (params.boundSize >> bits); outer += outerStep) {
    let bound = offset(outer, params.kept + 1u, params.bound - 1u, strides + 1u);
    if (bound.x == 1u) {
      sum = ext_add(sum, inner_sum(base + bound.y, hasCells, outer << bits, size, table[strides], inner, params.innerStep));
    }
  }
  return sum;
}

/** The share of `thread` in output j. */
fn value(j: u32, thread: u32) -> vec4<u32> {
  var total = vec4<u32>(0u);
  for (var part = 0u; part < params.parts; part++) {
    let at = 2u * (params.kept + params.bound) + part * (6u + params.kept + params.bound);
    let coef = vec4<u32>(table[at], table[at + 1u], table[at + 2u], table[at + 3u]);
    let hasCells = table[at + 5u] == 1u;
    let kept = offset(j, 0u, params.kept, at + 6u);
    if (kept.x == 1u) {
      let base = table[at + 4u] + kept.y;
      if (WEIGHTED) {
        total = ext_add(total, ext_mul(coef, bound_sum(base, hasCells, at + 6u + params.kept, thread)));
      } else if (hasCells) {
        total = ext_add(total, ext_scale_u32(coef, cell(base)));
      } else {
        total = ext_add(total, coef);
      }
    }
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
      partial[thread] = value(params.first + k, thread);
      let sum = column_sum(thread, 1u);
      if (thread == 0u) {
        store(k, sum);
      }
      workgroupBarrier();
    }
  } else {
    let span = block(params.count, group.x, groups.x);
    for (var k = span.x + thread; k < span.y; k += THREADS) {
      store(k, value(params.first + k, 0u));
    }
  }
}
