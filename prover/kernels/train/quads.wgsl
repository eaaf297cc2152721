// Four 64-bit integers at once: low words and high words, two's complement, modulo 2^64. A part for kernels.

struct Quad {
  low: vec4<u32>,
  high: vec4<u32>,
}

fn quad_from(x: vec4<i32>) -> Quad {
  return Quad(vec4<u32>(x), vec4<u32>(x >> vec4<u32>(31u)));
}

fn quad_splat(x: vec2<u32>) -> Quad {
  return Quad(vec4<u32>(x.x), vec4<u32>(x.y));
}

fn quad_add(a: Quad, b: Quad) -> Quad {
  let low = a.low + b.low;
  return Quad(low, a.high + b.high + select(vec4<u32>(0u), vec4<u32>(1u), low < a.low));
}

// The whole products of words.
fn words_mul(a: vec4<u32>, b: vec4<u32>) -> Quad {
  let half = vec4<u32>(0xffffu);
  let shift = vec4<u32>(16u);
  let a0 = a & half;
  let a1 = a >> shift;
  let b0 = b & half;
  let b1 = b >> shift;
  let middle = a1 * b0 + ((a0 * b0) >> shift);
  let other = a0 * b1 + (middle & half);
  return Quad(a * b, a1 * b1 + (middle >> shift) + (other >> shift));
}

// The whole products of signed words.
fn quad_mul_words(a: vec4<i32>, b: vec4<i32>) -> Quad {
  let x = vec4<u32>(a);
  let y = vec4<u32>(b);
  let p = words_mul(x, y);
  let sign = vec4<u32>(31u);
  return Quad(p.low, p.high - (vec4<u32>(a >> sign) & y) - (vec4<u32>(b >> sign) & x));
}

fn quad_mul(a: Quad, b: Quad) -> Quad {
  let p = words_mul(a.low, b.low);
  return Quad(p.low, p.high + a.low * b.high + a.high * b.low);
}

// sign·⌊a / 2^s⌋, 0 ≤ s < 64.
fn quad_shift_right(a: Quad, s: u32, negative: bool) -> Quad {
  let t = vec4<u32>(s & 31u);
  let signed_high = vec4<i32>(a.high);
  let sign = vec4<u32>(signed_high >> vec4<u32>(31u));
  let high = vec4<u32>(signed_high >> t);
  // Two shifts, since a shift by 32 is not defined.
  let low = (a.low >> t) | ((a.high << vec4<u32>(1u)) << (vec4<u32>(31u) - t));
  let far = s >= 32u;
  let q = Quad(select(low, high, far), select(high, sign, far));
  // −q = ~q + 1
  let flip = vec4<u32>(select(0u, 0xffffffffu, negative));
  let one = vec4<u32>(select(0u, 1u, negative));
  return quad_add(Quad(q.low ^ flip, q.high ^ flip), Quad(one, vec4<u32>(0u)));
}

// The low words of a mod 2^s, 0 ≤ s ≤ 32.
fn quad_low_bits(a: Quad, s: u32) -> vec4<u32> {
  return select(a.low & vec4<u32>((1u << (s & 31u)) - 1u), a.low, vec4<bool>(s >= 32u));
}

// 1 where a is outside [range.xy, range.zw].
fn quad_outside(a: Quad, range: vec4<u32>) -> vec4<bool> {
  let high = vec4<i32>(a.high);
  let least = vec4<i32>(i32(range.y));
  let most = vec4<i32>(i32(range.w));
  let below = (high < least) | ((high == least) & (a.low < vec4<u32>(range.x)));
  let above = (high > most) | ((high == most) & (a.low > vec4<u32>(range.z)));
  return below | above;
}

// The first index that is set, or 4.
fn first_set(v: vec4<bool>) -> u32 {
  return select(select(select(select(4u, 3u, v.w), 2u, v.z), 1u, v.y), 0u, v.x);
}

// Entry `index` of four.
fn quad_pick(a: Quad, index: u32) -> vec2<u32> {
  return vec2<u32>(a.low[index], a.high[index]);
}
