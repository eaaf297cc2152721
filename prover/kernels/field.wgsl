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
  // lh.y + c1 cannot wrap: lh.y = 2^32 − 2 only with lh.x = 1, and then c1 < 2.
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

/** The four 16-bit limbs of a value below 2^64. */
fn limbs_of(a: vec2<u32>) -> vec4<u32> {
  return vec4<u32>(a.x & 0xffffu, a.x >> 16u, a.y & 0xffffu, a.y >> 16u);
}

/**
 * a·b as signed limbs l with Σ l_k·2^(16k) = a·b (mod p) and |l_k| < 14·2^16: products of limbs summed by column, high
 * and low halves apart, with 2^64 = 2^32 − 1, 2^80 = 2^48 − 2^16, 2^96 = −1. A column's low halves are its wrapped sum
 * less its high halves. Limbs of several products may be added before one limbs_reduce: no carry is compared for.
 */
fn limbs_mul(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
  let p00 = a.x * b.x;
  let p01 = a.x * b.y;
  let p10 = a.y * b.x;
  let p02 = a.x * b.z;
  let p11 = a.y * b.y;
  let p20 = a.z * b.x;
  let p03 = a.x * b.w;
  let p12 = a.y * b.z;
  let p21 = a.z * b.y;
  let p30 = a.w * b.x;
  let p13 = a.y * b.w;
  let p22 = a.z * b.z;
  let p31 = a.w * b.y;
  let p23 = a.z * b.w;
  let p32 = a.w * b.z;
  let p33 = a.w * b.w;
  let s4 = p13 + p22 + p31;
  let h4 = (p13 >> 16u) + (p22 >> 16u) + (p31 >> 16u);
  let s5 = p23 + p32;
  let h5 = (p23 >> 16u) + (p32 >> 16u);
  let h0 = (p00 >> 16u) - (p33 >> 16u) - h4;
  let h1 = (p01 >> 16u) + (p10 >> 16u) - h5;
  let h2 = (p02 >> 16u) + (p11 >> 16u) + (p20 >> 16u) + h4;
  let h3 = (p03 >> 16u) + (p12 >> 16u) + (p21 >> 16u) + (p30 >> 16u) + h5;
  return vec4<u32>(
    p00 - p33 - s4 - (h0 << 16u) - h3,
    p01 + p10 - s5 - (h1 << 16u) + h0,
    p02 + p11 + p20 + s4 - (h2 << 16u) + h1 + h3,
    p03 + p12 + p21 + p30 + s5 - (h3 << 16u) + h2,
  );
}

/** The element of signed limbs, each of absolute value at most 2^30. */
fn limbs_reduce(l: vec4<u32>) -> vec2<u32> {
  // These four words are a multiple of p, each 2^30 plus 16 bits: they make every limb positive.
  let a = l.x + 0x40004001u;
  let b = l.y + 0x4000c000u + (a >> 16u);
  let c = l.z + 0x40007ffeu + (b >> 16u);
  let d = l.w + 0x4000bfffu + (c >> 16u);
  // top·2^64 = top·2^32 − top; on a carry add EPS.
  let top = d >> 16u;
  let x = (b << 16u) | (a & 0xffffu);
  let y = (d << 16u) | (c & 0xffffu);
  let s = x - top;
  let t = y + (top - u32(x < top));
  let e = u32(t < y);
  return fp_canonical(vec2<u32>(s - e, t + (e & u32(s != 0u))));
}

/** A sum of F_p² products not yet reduced: signed limbs of c0 and c1. At most 128 products of ext_product may be added. */
struct ExtLimbs { c0: vec4<u32>, c1: vec4<u32> }

/** a·b by Karatsuba; limbs are below 112·2^16 in absolute value. */
fn ext_product(a: vec4<u32>, b: vec4<u32>) -> ExtLimbs {
  let low = limbs_mul(limbs_of(a.xy), limbs_of(b.xy));
  let high = limbs_mul(limbs_of(a.zw), limbs_of(b.zw));
  let cross = limbs_mul(limbs_of(fp_add_lazy(a.xy, a.zw)), limbs_of(fp_add_lazy(b.xy, b.zw)));
  return ExtLimbs(low + 7u * high, cross - low - high);
}

fn limbs_add(a: ExtLimbs, b: ExtLimbs) -> ExtLimbs {
  return ExtLimbs(a.c0 + b.c0, a.c1 + b.c1);
}

fn ext_reduce(l: ExtLimbs) -> vec4<u32> {
  return vec4<u32>(limbs_reduce(l.c0), limbs_reduce(l.c1));
}

fn ext_mul(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
  return ext_reduce(ext_product(a, b));
}

/** Product of an F_p² and an F_p element. */
fn ext_mul_base(a: vec4<u32>, b: vec2<u32>) -> vec4<u32> {
  return vec4<u32>(fp_mul(a.xy, b), fp_mul(a.zw, b));
}

/** a·k; limbs are below 14·2^16 in absolute value, so that 1024 of these may be added before a reduction. */
fn ext_product_u32(a: vec4<u32>, k: u32) -> ExtLimbs {
  let b = vec4<u32>(k & 0xffffu, k >> 16u, 0u, 0u);
  return ExtLimbs(limbs_mul(limbs_of(a.xy), b), limbs_mul(limbs_of(a.zw), b));
}

fn ext_scale_u32(a: vec4<u32>, k: u32) -> vec4<u32> {
  return ext_reduce(ext_product_u32(a, k));
}
