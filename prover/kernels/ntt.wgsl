// Radix-16 discrete Fourier transform in registers, on pairs of F_p elements (two columns, or the parts of an F_p²
// element). A part: no bindings, no entry point; needs field.wgsl.
// 2 has order 192 in F_p* and rootOfUnity(4) = 2^156, rootOfUnity(3) = 2^120, rootOfUnity(2) = 2^48, so every product
// inside is a shift; 2^96 = −1 turns exponents of 96 and more into an exchanged difference.

/** a·2^s for a constant s below 96 that is no multiple of 32. */
fn fp_shift(a: vec2<u32>, s: u32) -> vec2<u32> {
  let k = s & 31u;
  let t0 = a.x << k;
  let t1 = (a.y << k) | (a.x >> (32u - k));
  let t2 = a.y >> (32u - k);
  if (s < 32u) {
    return fp_reduce(t0, t1, t2, 0u);
  } else if (s < 64u) {
    return fp_reduce(0u, t0, t1, t2);
  }
  // t0·2^64 = t0·(2^32 − 1), which is below p; (t1 + t2·2^32)·2^96 = −(t1 + t2·2^32) with t2 < 2^31.
  return fp_sub(vec2<u32>(0u - t0, t0 - u32(t0 != 0u)), vec2<u32>(t1, t2));
}

fn pair_shift(a: vec4<u32>, s: u32) -> vec4<u32> {
  return vec4<u32>(fp_shift(a.xy, s), fp_shift(a.zw, s));
}

/** (x_i, x_j) := (x_i + x_j, (x_i − x_j)·2^s) for constants i, j and s < 192. */
fn butterfly(x: ptr<function, array<vec4<u32>, 16>>, i: u32, j: u32, s: u32) {
  let a = (*x)[i];
  let b = (*x)[j];
  (*x)[i] = ext_add(a, b);
  if (s == 0u) {
    (*x)[j] = ext_sub(a, b);
  } else if (s < 96u) {
    (*x)[j] = pair_shift(ext_sub(a, b), s);
  } else {
    (*x)[j] = pair_shift(ext_sub(b, a), s - 96u);
  }
}

/**
 * 2^(4 − log_radix) transforms of 2^log_radix consecutive elements each, log_radix ≤ 4: slot s of a transform gets
 * Σ_i x_i·rootOfUnity(log_radix)^(i·k), k = s with its log_radix bits reversed.
 */
fn transform16(x: ptr<function, array<vec4<u32>, 16>>, log_radix: u32) {
  if (log_radix >= 4u) {
    butterfly(x, 0u, 8u, 0u);
    butterfly(x, 1u, 9u, 156u);
    butterfly(x, 2u, 10u, 120u);
    butterfly(x, 3u, 11u, 84u);
    butterfly(x, 4u, 12u, 48u);
    butterfly(x, 5u, 13u, 12u);
    butterfly(x, 6u, 14u, 168u);
    butterfly(x, 7u, 15u, 132u);
  }
  if (log_radix >= 3u) {
    butterfly(x, 0u, 4u, 0u);
    butterfly(x, 1u, 5u, 120u);
    butterfly(x, 2u, 6u, 48u);
    butterfly(x, 3u, 7u, 168u);
    butterfly(x, 8u, 12u, 0u);
    butterfly(x, 9u, 13u, 120u);
    butterfly(x, 10u, 14u, 48u);
    butterfly(x, 11u, 15u, 168u);
  }
  if (log_radix >= 2u) {
    butterfly(x, 0u, 2u, 0u);
    butterfly(x, 1u, 3u, 48u);
    butterfly(x, 4u, 6u, 0u);
    butterfly(x, 5u, 7u, 48u);
    butterfly(x, 8u, 10u, 0u);
    butterfly(x, 9u, 11u, 48u);
    butterfly(x, 12u, 14u, 0u);
    butterfly(x, 13u, 15u, 48u);
  }
  if (log_radix >= 1u) {
    butterfly(x, 0u, 1u, 0u);
    butterfly(x, 2u, 3u, 0u);
    butterfly(x, 4u, 5u, 0u);
    butterfly(x, 6u, 7u, 0u);
    butterfly(x, 8u, 9u, 0u);
    butterfly(x, 10u, 11u, 0u);
    butterfly(x, 12u, 13u, 0u);
    butterfly(x, 14u, 15u, 0u);
  }
}
