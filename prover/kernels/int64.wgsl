// 64-bit integers as pairs (low word, high word), two's complement where signed. Sums and products are modulo 2^64.

fn i64_from(x: i32) -> vec2<u32> {
  return vec2<u32>(u32(x), u32(x >> 31u));
}

fn i64_add(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  let low = a.x + b.x;
  return vec2<u32>(low, a.y + b.y + select(0u, 1u, low < a.x));
}

fn i64_sub(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  return vec2<u32>(a.x - b.x, a.y - b.y - select(0u, 1u, a.x < b.x));
}

fn i64_negate(a: vec2<u32>) -> vec2<u32> {
  return i64_sub(vec2<u32>(0u), a);
}

// The whole product of two words.
fn u32_mul(a: u32, b: u32) -> vec2<u32> {
  let a0 = a & 0xffffu;
  let a1 = a >> 16u;
  let b0 = b & 0xffffu;
  let b1 = b >> 16u;
  let low = a0 * b0;
  let middle = a1 * b0 + (low >> 16u);
  let other = a0 * b1 + (middle & 0xffffu);
  return vec2<u32>(a * b, a1 * b1 + (middle >> 16u) + (other >> 16u));
}

// The whole product of two signed words.
fn i32_mul(a: i32, b: i32) -> vec2<u32> {
  let p = u32_mul(u32(a), u32(b));
  return vec2<u32>(p.x, p.y - (u32(a >> 31u) & u32(b)) - (u32(b >> 31u) & u32(a)));
}

fn i64_mul(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  let p = u32_mul(a.x, b.x);
  return vec2<u32>(p.x, p.y + a.x * b.y + a.y * b.x);
}

// ⌊a / 2^s⌋ of a signed number, 0 ≤ s < 64.
fn i64_shift_right(a: vec2<u32>, s: u32) -> vec2<u32> {
  let sign = u32(i32(a.y) >> 31u);
  let t = s & 31u;
  let high = u32(i32(a.y) >> t);
  // Two shifts, since a shift by 32 is not defined.
  let low = (a.x >> t) | ((a.y << 1u) << (31u - t));
  return select(vec2<u32>(low, high), vec2<u32>(high, sign), s >= 32u);
}

// a mod 2^s, 0 ≤ s < 64.
fn u64_low_bits(a: vec2<u32>, s: u32) -> vec2<u32> {
  let mask = (1u << (s & 31u)) - 1u;
  return select(vec2<u32>(a.x & mask, 0u), vec2<u32>(a.x, a.y & mask), s >= 32u);
}

fn u64_less(a: vec2<u32>, b: vec2<u32>) -> bool {
  return a.y < b.y || (a.y == b.y && a.x < b.x);
}

fn i64_less(a: vec2<u32>, b: vec2<u32>) -> bool {
  return i32(a.y) < i32(b.y) || (a.y == b.y && a.x < b.x);
}

struct Quotient {
  quotient: vec2<u32>,
  remainder: vec2<u32>,
}

// Unsigned long division, bit by bit; 0 < d < 2^63.
fn u64_divide(n: vec2<u32>, d: vec2<u32>) -> Quotient {
  var rest = vec2<u32>(0u);
  var quotient = n;
  for (var i = 0u; i < 64u; i++) {
    // The dividend leaves `quotient` at its top while the quotient enters below.
    rest = vec2<u32>((rest.x << 1u) | (quotient.y >> 31u), (rest.y << 1u) | (rest.x >> 31u));
    quotient = vec2<u32>(quotient.x << 1u, (quotient.y << 1u) | (quotient.x >> 31u));
    if (!u64_less(rest, d)) {
      rest = i64_sub(rest, d);
      quotient.x |= 1u;
    }
  }
  return Quotient(quotient, rest);
}

// ⌊n / d⌋ and the remainder in [0, d) of a signed n; 0 < d < 2^63.
fn i64_floor_divide(n: vec2<u32>, d: vec2<u32>) -> Quotient {
  let negative = (n.y >> 31u) == 1u;
  let size = select(n, i64_negate(n), negative);
  let r = u64_divide(size, d);
  let whole = (r.remainder.x | r.remainder.y) == 0u;
  if (!negative) {
    return r;
  }
  if (whole) {
    return Quotient(i64_negate(r.quotient), r.remainder);
  }
  return Quotient(i64_sub(i64_negate(r.quotient), vec2<u32>(1u, 0u)), i64_sub(d, r.remainder));
}

// ⌊√n⌋ for n < 2^62, bit by bit from 2^30 down.
fn u64_sqrt(n: vec2<u32>) -> u32 {
  var root = 0u;
  for (var bit = 0x40000000u; bit > 0u; bit >>= 1u) {
    let next = root | bit;
    if (!u64_less(n, u32_mul(next, next))) {
      root = next;
    }
  }
  return root;
}
