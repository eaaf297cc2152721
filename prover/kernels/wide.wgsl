// Sums of unreduced products: 160 bits hold 2^32 products of two 64-bit values. A part: no bindings, no entry point;
// needs field.wgsl.

struct Wide {
  low: vec4<u32>,
  top: u32,
}

/** sum += words·1, words a 128-bit value. */
fn wide_add(sum: ptr<function, Wide>, words: vec4<u32>) {
  let s = (*sum).low;
  let x = s.x + words.x;
  let c0 = u32(x < s.x);
  let y0 = s.y + words.y;
  let y = y0 + c0;
  let c1 = u32(y0 < s.y) | u32(y < y0);
  let z0 = s.z + words.z;
  let z = z0 + c1;
  let c2 = u32(z0 < s.z) | u32(z < z0);
  let w0 = s.w + words.w;
  let w = w0 + c2;
  (*sum).top += u32(w0 < s.w) | u32(w < w0);
  (*sum).low = vec4<u32>(x, y, z, w);
}

/** a·b as a 128-bit value. */
fn wide_product(a: vec2<u32>, b: vec2<u32>) -> vec4<u32> {
  let ll = mul_wide(a.x, b.x);
  let lh = mul_wide(a.x, b.y);
  let hl = mul_wide(a.y, b.x);
  let hh = mul_wide(a.y, b.y);
  let s = ll.y + lh.x;
  let r1 = s + hl.x;
  // High words of products are at most 2^32 − 2, and the whole is below 2^128: no carry out of these sums is lost.
  let u = lh.y + u32(s < ll.y) + u32(r1 < s);
  let v = u + hl.y;
  let r2 = v + hh.x;
  return vec4<u32>(ll.x, r1, r2, hh.y + u32(v < u) + u32(r2 < v));
}

/** a·k as a 96-bit value. */
fn wide_scale(a: vec2<u32>, k: u32) -> vec4<u32> {
  let l = mul_wide(a.x, k);
  let h = mul_wide(a.y, k);
  let r1 = l.y + h.x;
  return vec4<u32>(l.x, r1, h.y + u32(r1 < l.y), 0u);
}

/** The sum mod p; 2^128 = −2^32. */
fn wide_reduce(sum: Wide) -> vec2<u32> {
  return fp_sub(fp_reduce(sum.low.x, sum.low.y, sum.low.z, sum.low.w), vec2<u32>(0u, sum.top));
}
