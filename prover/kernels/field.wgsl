// F_p, p = 2^64 − 2^32 + 1, and F_p² = F_p[X]/(X² − 7). A part: no bindings, no entry point.
// An F_p element is vec2<u32>(low, high); an F_p² element is vec4<u32>(c0.low, c0.high, c1.low, c1.high).
// Every function takes and returns canonical values, unless its comment says otherwise.
// EPS := 2^64 mod p = 2^32 − 1, and 2^96 = −1 (mod p). CPU twins: protocol/field.ts, protocol/extension.ts.

/** The 64-bit product of two u32 as (low, high), from four 16-bit products. */
fn mul_wide(a: u32, b: u32) -> vec2<u32> {
  let al = a & 0xffffu;
  let ah = a >> 16u;
  let bl = b & 0xffffu;
  let bh = b >> 16u;
  let low = al * bl;
  let m = ah * bl + (low >> 16u);
  let n = al * bh + (m & 0xffffu);
  return vec2<u32>((n << 16u) | (low & 0xffffu), ah * bh + (m >> 16u) + (n >> 16u));
}

/** Canonical form of any value below 2^64. */
fn fp_canonical(a: vec2<u32>) -> vec2<u32> {
  let over = a.y == 0xffffffffu && a.x != 0u;
  return select(a, vec2<u32>(a.x - 1u, 0u), over);
}

/** a + b as some value below 2^64; a canonical, b any value below 2^64. */
fn fp_add_lazy(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  let x = a.x + b.x;
  // Cannot wrap: a.y = 2^32 − 1 only with a.x = 0, which carries nothing.
  let t = a.y + u32(x < a.x);
  let y = t + b.y;
  // On a carry out of y add EPS: the wrapped sum is at most p − 2, so this stays below 2^64.
  let e = u32(y < t);
  return vec2<u32>(x - e, y + (e & u32(x != 0u)));
}

fn fp_add(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  return fp_canonical(fp_add_lazy(a, b));
}

fn fp_sub(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  let x = a.x - b.x;
  // Cannot wrap: b.y = 2^32 − 1 only with b.x = 0, which borrows nothing.
  let t = b.y + u32(a.x < b.x);
  let y = a.y - t;
  // On a borrow add p = 2^64 − EPS, that is + 1 − 2^32 modulo 2^64.
  let e = u32(a.y < t);
  let z = x + e;
  return vec2<u32>(z, y - (e & u32(z != 0u)));
}

fn fp_neg(a: vec2<u32>) -> vec2<u32> {
  return fp_sub(vec2<u32>(0u), a);
}

/** Residue of r0 + r1·2^32 + r2·2^64 + r3·2^96 = (r1:r0) − r3 + r2·EPS. */
fn fp_reduce(r0: u32, r1: u32, r2: u32, r3: u32) -> vec2<u32> {
  // On a borrow of (r1:r0) − r3 subtract EPS: the wrapped difference is above 2^64 − 2^32, so this stays positive.
  let x = r0 - r3;
  let b = u32(r0 < r3);
  let e = b & u32(r1 == 0u);
  let z = x + e;
  let w = r1 - b - (e & u32(z != 0u));
  // r2·EPS = r2·2^32 − r2; on a carry add EPS: the wrapped sum is at most 2^64 − 2^33, so this stays below 2^64.
  let s = z - r2;
  let t = w + (r2 - u32(z < r2));
  let c = u32(t < w);
  return fp_canonical(vec2<u32>(s - c, t + (c & u32(s != 0u))));
}

/** a·b for any a, b below 2^64. */
fn fp_mul(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  let ll = mul_wide(a.x, b.x);
  let lh = mul_wide(a.x, b.y);
  let hl = mul_wide(a.y, b.x);
  let hh = mul_wide(a.y, b.y);
  let s = ll.y + lh.x;
  let r1 = s + hl.x;
  let c1 = u32(s < ll.y) + u32(r1 < s);
  // lh.y + c1 cannot wrap: a high word of a product is at most 2^32 − 2, and c1 = 2 is out of reach when it is that.
  let u = lh.y + c1;
  let v = u + hl.y;
  let r2 = v + hh.x;
  let c2 = u32(v < u) + u32(r2 < v);
  return fp_reduce(ll.x, r1, r2, hh.y + c2);
}

/** a·k for a small k: a below 2^64, any u32 k. */
fn fp_scale_u32(a: vec2<u32>, k: u32) -> vec2<u32> {
  let l = mul_wide(a.x, k);
  let h = mul_wide(a.y, k);
  let r1 = l.y + h.x;
  return fp_reduce(l.x, r1, h.y + u32(r1 < l.y), 0u);
}

fn ext_add(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
  return vec4<u32>(fp_add(a.xy, b.xy), fp_add(a.zw, b.zw));
}

fn ext_sub(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
  return vec4<u32>(fp_sub(a.xy, b.xy), fp_sub(a.zw, b.zw));
}

fn ext_neg(a: vec4<u32>) -> vec4<u32> {
  return vec4<u32>(fp_neg(a.xy), fp_neg(a.zw));
}

/** x + 7y. */
fn fp_add_seven(x: vec2<u32>, y: vec2<u32>) -> vec2<u32> {
  // 8y as three words, minus y by a field subtraction.
  let eight = fp_reduce(y.x << 3u, (y.y << 3u) | (y.x >> 29u), y.y >> 29u, 0u);
  return fp_add(x, fp_sub(eight, y));
}

/** Karatsuba: three products. */
fn ext_mul(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
  let low = fp_mul(a.xy, b.xy);
  let high = fp_mul(a.zw, b.zw);
  let cross = fp_mul(fp_add_lazy(a.xy, a.zw), fp_add_lazy(b.xy, b.zw));
  return vec4<u32>(fp_add_seven(low, high), fp_sub(fp_sub(cross, low), high));
}

/** Product of an F_p² and an F_p element. */
fn ext_mul_base(a: vec4<u32>, b: vec2<u32>) -> vec4<u32> {
  return vec4<u32>(fp_mul(a.xy, b), fp_mul(a.zw, b));
}

fn ext_scale_u32(a: vec4<u32>, k: u32) -> vec4<u32> {
  return vec4<u32>(fp_scale_u32(a.xy, k), fp_scale_u32(a.zw, k));
}
