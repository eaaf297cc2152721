// parts: field.wgsl grid.wgsl reduce.wgsl
// Round of a product's sumcheck, per workgroup: FACTORS + 1 sums over i < ⌈length/2⌉ of Π_f v_f(X), v_f(X) = v_f[2i] +
// X·(v_f[2i+1] − v_f[2i]), at X = 0, 1, …, FACTORS − 1 and the coefficient of X^FACTORS ("at infinity").
// v1 … v5: `length` F_p² elements of one chunk each, zero beyond; those above FACTORS are bound, not read.
// partials: [base + (FACTORS + 1)·group + k]. Grid: any; workgroups take blocks of i.
// CPU twin: productRound in backend/cpu-tables.ts.

override FACTORS: u32;

struct Params { length: u32, base: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> v1: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> v2: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> v3: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> v4: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read> v5: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read_write> partials: array<vec4<u32>>;

// limbs_add of so many products stays in ext_reduce's range.
const LAZY_PRODUCTS = 128u;

/** Values at 0 and 1. */
struct Line { zero: vec4<u32>, one: vec4<u32> }

/** Values at 0, 1 and the coefficient of X². */
struct Quadratic { zero: vec4<u32>, one: vec4<u32>, top: vec4<u32> }

fn line(low: vec4<u32>, high: vec4<u32>, i: u32) -> Line {
  return Line(low, select(vec4<u32>(0u), high, 2u * i + 1u < params.length));
}

fn quadratic(a: Line, b: Line) -> Quadratic {
  return Quadratic(
    ext_mul(a.zero, b.zero), ext_mul(a.one, b.one), ext_mul(ext_sub(a.one, a.zero), ext_sub(b.one, b.zero)));
}

/** f(X + 1) of a quadratic from f(X), f(X − 1): 2·f(X) − f(X − 1) + 2·top. */
fn step(current: vec4<u32>, last: vec4<u32>, top: vec4<u32>) -> vec4<u32> {
  let sum = ext_add(current, top);
  return ext_add(sum, ext_sub(sum, last));
}

/** Unreduced sums at 0, 1, …, 4 and at infinity; those at FACTORS and above are not used. */
struct Sums { s0: ExtLimbs, s1: ExtLimbs, s2: ExtLimbs, s3: ExtLimbs, s4: ExtLimbs, top: ExtLimbs }

fn add_pair(sums: ptr<function, Sums>, i: u32) {
  // A buffer's size is even, so reads of 2i + 1 stay inside it.
  let a = line(v1[2u * i], v1[2u * i + 1u], i);
  let b = line(v2[2u * i], v2[2u * i + 1u], i);
  if (FACTORS == 2u) {
    sums.s0 = limbs_add(sums.s0, ext_product(a.zero, b.zero));
    sums.s1 = limbs_add(sums.s1, ext_product(a.one, b.one));
    sums.top = limbs_add(sums.top, ext_product(ext_sub(a.one, a.zero), ext_sub(b.one, b.zero)));
    return;
  }
  let f = quadratic(a, b);
  let f2 = step(f.one, f.zero, f.top);
  let c = line(v3[2u * i], v3[2u * i + 1u], i);
  if (FACTORS == 3u) {
    let rise = ext_sub(c.one, c.zero);
    sums.s0 = limbs_add(sums.s0, ext_product(f.zero, c.zero));
    sums.s1 = limbs_add(sums.s1, ext_product(f.one, c.one));
    sums.s2 = limbs_add(sums.s2, ext_product(f2, ext_add(c.one, rise)));
    sums.top = limbs_add(sums.top, ext_product(f.top, rise));
    return;
  }
  let g = quadratic(c, line(v4[2u * i], v4[2u * i + 1u], i));
  let g2 = step(g.one, g.zero, g.top);
  let f3 = step(f2, f.one, f.top);
  let g3 = step(g2, g.one, g.top);
  if (FACTORS == 4u) {
    sums.s0 = limbs_add(sums.s0, ext_product(f.zero, g.zero));
    sums.s1 = limbs_add(sums.s1, ext_product(f.one, g.one));
    sums.s2 = limbs_add(sums.s2, ext_product(f2, g2));
    sums.s3 = limbs_add(sums.s3, ext_product(f3, g3));
    sums.top = limbs_add(sums.top, ext_product(f.top, g.top));
    return;
  }
  let e = line(v5[2u * i], v5[2u * i + 1u], i);
  let up = ext_sub(e.one, e.zero);
  let e2 = ext_add(e.one, up);
  let e3 = ext_add(e2, up);
  sums.s0 = limbs_add(sums.s0, ext_product(ext_mul(f.zero, g.zero), e.zero));
  sums.s1 = limbs_add(sums.s1, ext_product(ext_mul(f.one, g.one), e.one));
  sums.s2 = limbs_add(sums.s2, ext_product(ext_mul(f2, g2), e2));
  sums.s3 = limbs_add(sums.s3, ext_product(ext_mul(f3, g3), e3));
  sums.s4 = limbs_add(sums.s4, ext_product(ext_mul(step(f3, f2, f.top), step(g3, g2, g.top)), ext_add(e3, up)));
  sums.top = limbs_add(sums.top, ext_product(ext_mul(f.top, g.top), up));
}

fn add_to(place: u32, value: vec4<u32>) {
  partial[place] = ext_add(partial[place], value);
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  for (var k = 0u; k < MAX_SUMS; k++) {
    partial[k * THREADS + thread] = vec4<u32>(0u);
  }
  let span = block((params.length + 1u) / 2u, group.x, groups.x);
  var i = span.x + thread;
  while (i < span.y) {
    if (FACTORS == 1u) {
      let a = line(v1[2u * i], v1[2u * i + 1u], i);
      add_to(thread, a.zero);
      add_to(THREADS + thread, ext_sub(a.one, a.zero));
      i += THREADS;
      continue;
    }
    // Spelt out: Dawn 0.6.2 zeroes a `var` without initialiser once, not in every turn of a loop.
    var sums = Sums();
    let end = min(span.y, i + LAZY_PRODUCTS * THREADS);
    for (; i < end; i += THREADS) {
      add_pair(&sums, i);
    }
    add_to(thread, ext_reduce(sums.s0));
    add_to(THREADS + thread, ext_reduce(sums.s1));
    if (FACTORS > 2u) {
      add_to(2u * THREADS + thread, ext_reduce(sums.s2));
    }
    if (FACTORS > 3u) {
      add_to(3u * THREADS + thread, ext_reduce(sums.s3));
    }
    if (FACTORS > 4u) {
      add_to(4u * THREADS + thread, ext_reduce(sums.s4));
    }
    add_to(FACTORS * THREADS + thread, ext_reduce(sums.top));
  }
  let sum = column_sum(thread, FACTORS + 1u);
  if (thread <= FACTORS) {
    partials[params.base + (FACTORS + 1u) * group.x + thread] = sum;
  }
}
