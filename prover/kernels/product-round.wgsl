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
  let rise = ext_sub(ext_add(current, top), last);
  return ext_add(ext_add(current, top), rise);
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  var s0 = vec4<u32>(0u);
  var s1 = vec4<u32>(0u);
  var s2 = vec4<u32>(0u);
  var s3 = vec4<u32>(0u);
  var s4 = vec4<u32>(0u);
  var top = vec4<u32>(0u);
  let span = block((params.length + 1u) / 2u, group.x, groups.x);
  for (var i = span.x + thread; i < span.y; i += THREADS) {
    // A buffer's size is even, so reads of 2i + 1 stay inside it.
    let a = line(v1[2u * i], v1[2u * i + 1u], i);
    if (FACTORS == 1u) {
      s0 = ext_add(s0, a.zero);
      top = ext_add(top, ext_sub(a.one, a.zero));
      continue;
    }
    let b = line(v2[2u * i], v2[2u * i + 1u], i);
    let f = quadratic(a, b);
    if (FACTORS == 2u) {
      s0 = ext_add(s0, f.zero);
      s1 = ext_add(s1, f.one);
      top = ext_add(top, f.top);
      continue;
    }
    let f2 = step(f.one, f.zero, f.top);
    let c = line(v3[2u * i], v3[2u * i + 1u], i);
    let rise = ext_sub(c.one, c.zero);
    let c2 = ext_add(c.one, rise);
    if (FACTORS == 3u) {
      s0 = ext_add(s0, ext_mul(f.zero, c.zero));
      s1 = ext_add(s1, ext_mul(f.one, c.one));
      s2 = ext_add(s2, ext_mul(f2, c2));
      top = ext_add(top, ext_mul(f.top, rise));
      continue;
    }
    let g = quadratic(c, line(v4[2u * i], v4[2u * i + 1u], i));
    let g2 = step(g.one, g.zero, g.top);
    let f3 = step(f2, f.one, f.top);
    let g3 = step(g2, g.one, g.top);
    if (FACTORS == 4u) {
      s0 = ext_add(s0, ext_mul(f.zero, g.zero));
      s1 = ext_add(s1, ext_mul(f.one, g.one));
      s2 = ext_add(s2, ext_mul(f2, g2));
      s3 = ext_add(s3, ext_mul(f3, g3));
      top = ext_add(top, ext_mul(f.top, g.top));
      continue;
    }
    let e = line(v5[2u * i], v5[2u * i + 1u], i);
    let up = ext_sub(e.one, e.zero);
    let e2 = ext_add(e.one, up);
    let e3 = ext_add(e2, up);
    s0 = ext_add(s0, ext_mul(ext_mul(f.zero, g.zero), e.zero));
    s1 = ext_add(s1, ext_mul(ext_mul(f.one, g.one), e.one));
    s2 = ext_add(s2, ext_mul(ext_mul(f2, g2), e2));
    s3 = ext_add(s3, ext_mul(ext_mul(f3, g3), e3));
    s4 = ext_add(s4, ext_mul(ext_mul(step(f3, f2, f.top), step(g3, g2, g.top)), ext_add(e3, up)));
    top = ext_add(top, ext_mul(ext_mul(f.top, g.top), up));
  }
  partial[thread] = s0;
  partial[THREADS + thread] = s1;
  partial[2u * THREADS + thread] = s2;
  partial[3u * THREADS + thread] = s3;
  partial[4u * THREADS + thread] = s4;
  // Sums at the points FACTORS and above are dropped; the one at infinity takes the first of their places.
  partial[FACTORS * THREADS + thread] = top;
  let sum = column_sum(thread, FACTORS + 1u);
  if (thread <= FACTORS) {
    partials[params.base + (FACTORS + 1u) * group.x + thread] = sum;
  }
}
