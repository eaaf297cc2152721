// Integer softmax of rows of scores: μ the smallest integer with Σ T(score − μ) ≤ 2^P,
// p = T(score − μ), next = T(score − μ + 1), under = 2^P − Σ p, over = Σ next − 2^P − 1.
// T(u) is table[u − lowest] up to u = 1, where it is above 2^P, and 0 below `lowest`.
// A float32 estimate of μ is put right by integer steps, so that the result does not depend on its rounding.
// CAUSAL: row r counts the first (r mod cycle) + 1 entries, the others get p = next = 0. SHIFTED: score − μ is kept.
// NEXT: next, under and over are kept. flags[slot]: smallest row whose μ leaves its range; flags[slot + 1]: smallest
// entry (row·columns + column) whose score − μ is below the table. Grid: any number of workgroups, one thread a row.
// CPU twin: prover/train/nonlinear.ts.

override CAUSAL: bool = false;
override SHIFTED: bool = false;
override NEXT: bool = true;

struct Params {
  grid: vec4<u32>, // rows, columns, cycle, flag slot
  table: vec4<i32>, // lowest u with an entry, lowest u allowed, smallest and largest μ
  base: vec4<u32>, // score, p and next, row outputs, P
  shifted: vec4<u32>, // base of shifted
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> score: array<i32>;
@group(0) @binding(2) var<storage, read> table: array<u32>;
@group(0) @binding(3) var<storage, read_write> p: array<u32>;
@group(0) @binding(4) var<storage, read_write> mu: array<i32>;
@group(0) @binding(5) var<storage, read_write> next: array<u32>;
@group(0) @binding(6) var<storage, read_write> under: array<u32>;
@group(0) @binding(7) var<storage, read_write> over: array<u32>;
@group(0) @binding(8) var<storage, read_write> shifted: array<i32>;
@group(0) @binding(9) var<storage, read_write> flags: array<atomic<u32>>;

// Sums stop here, far above 2^P, so that they cannot wrap.
const CEILING = 0x80000000u;

fn entry(u: i32) -> u32 {
  let lowest = params.table.x;
  let value = table[u32(clamp(u, lowest, 1) - lowest)];
  return select(value, 0u, u < lowest);
}

fn total(start: u32, count: u32, shift: i32) -> u32 {
  var sum = 0u;
  for (var j = 0u; j < count; j++) {
    sum = min(sum + entry(score[start + j] - shift), CEILING);
  }
  return sum;
}

fn estimate(start: u32, count: u32) -> i32 {
  var largest = score[start];
  for (var j = 1u; j < count; j++) {
    largest = max(largest, score[start + j]);
  }
  var sum = 0.0;
  for (var j = 0u; j < count; j++) {
    sum += exp(f32(score[start + j] - largest) * (1.0 / 1024.0));
  }
  return largest + i32(ceil(1024.0 * log(sum)));
}

fn shift_of(start: u32, count: u32) -> i32 {
  let top = 1u << params.base.w;
  var shift = estimate(start, count);
  while (total(start, count, shift) > top) {
    shift++;
  }
  while (total(start, count, shift - 1) <= top) {
    shift--;
  }
  return shift;
}

fn row(r: u32) {
  let columns = params.grid.y;
  let first = r * columns;
  var count = columns;
  if (CAUSAL) {
    count = r % params.grid.z + 1u;
  }
  let start = params.base.x + first;
  let shift = shift_of(start, count);
  if (shift < params.table.z || shift > params.table.w) {
    atomicMin(&flags[params.grid.w], r);
  }
  var sum = 0u;
  var sum_next = 0u;
  var beyond = columns;
  for (var j = 0u; j < columns; j++) {
    var u = params.table.x - 2;
    if (j < count) {
      u = score[start + j] - shift;
      if (u < params.table.y) {
        beyond = min(beyond, j);
      }
    }
    let value = entry(u);
    p[params.base.y + first + j] = value;
    if (SHIFTED) {
      shifted[params.shifted.x + first + j] = u;
    }
    if (NEXT) {
      let above = entry(u + 1);
      next[params.base.y + first + j] = above;
      sum += value;
      sum_next += above;
    }
  }
  if (beyond < columns) {
    atomicMin(&flags[params.grid.w + 1u], first + beyond);
  }
  mu[params.base.z + r] = shift;
  if (NEXT) {
    let top = 1u << params.base.w;
    under[params.base.z + r] = top - sum;
    over[params.base.z + r] = sum_next - top - 1u;
  }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  for (var r = id.x; r < params.grid.x; r += 64u * groups.x) {
    row(r);
  }
}
