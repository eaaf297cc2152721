// SHA-256's compression function (FIPS 180-4), all indices constant so that state and schedule stay in registers.
// A part: no bindings, no entry point. CPU twin: protocol/hash.ts.

fn rotate(x: u32, n: u32) -> u32 {
  return (x >> n) | (x << (32u - n));
}

/** One round; `kw` is the round constant plus the schedule's word. */
fn sha_round(s: ptr<function, array<u32, 8>>, kw: u32) {
  let a = (*s)[0];
  let e = (*s)[4];
  let t1 = (*s)[7] + (rotate(e, 6u) ^ rotate(e, 11u) ^ rotate(e, 25u)) + ((*s)[6] ^ (e & ((*s)[5] ^ (*s)[6]))) + kw;
  let b = (*s)[1];
  let c = (*s)[2];
  let t2 = (rotate(a, 2u) ^ rotate(a, 13u) ^ rotate(a, 22u)) + ((a & b) | (c & (a | b)));
  (*s)[7] = (*s)[6];
  (*s)[6] = (*s)[5];
  (*s)[5] = e;
  (*s)[4] = (*s)[3] + t1;
  (*s)[3] = c;
  (*s)[2] = b;
  (*s)[1] = a;
  (*s)[0] = t1 + t2;
}

fn sha_four(s: ptr<function, array<u32, 8>>, kw: vec4<u32>) {
  sha_round(s, kw.x);
  sha_round(s, kw.y);
  sha_round(s, kw.z);
  sha_round(s, kw.w);
}

/** The schedule's word i + 16 from the sixteen before it. */
fn sha_word(w0: u32, w1: u32, w9: u32, w14: u32) -> u32 {
  return w0 + (rotate(w1, 7u) ^ rotate(w1, 18u) ^ (w1 >> 3u)) + w9 + (rotate(w14, 17u) ^ rotate(w14, 19u) ^ (w14 >> 10u));
}

/** The next sixteen words of the schedule. */
fn sha_extend(w: ptr<function, array<vec4<u32>, 4>>) {
  let a = (*w)[0];
  let b = (*w)[1];
  let c = (*w)[2];
  let d = (*w)[3];
  let e0 = sha_word(a.x, a.y, c.y, d.z);
  let e1 = sha_word(a.y, a.z, c.z, d.w);
  let e2 = sha_word(a.z, a.w, c.w, e0);
  let e3 = sha_word(a.w, b.x, d.x, e1);
  let f0 = sha_word(b.x, b.y, d.y, e2);
  let f1 = sha_word(b.y, b.z, d.z, e3);
  let f2 = sha_word(b.z, b.w, d.w, f0);
  let f3 = sha_word(b.w, c.x, e0, f1);
  let g0 = sha_word(c.x, c.y, e1, f2);
  let g1 = sha_word(c.y, c.z, e2, f3);
  let g2 = sha_word(c.z, c.w, e3, g0);
  let g3 = sha_word(c.w, d.x, f0, g1);
  let h0 = sha_word(d.x, d.y, f1, g2);
  let h1 = sha_word(d.y, d.z, f2, g3);
  let h2 = sha_word(d.z, d.w, f3, h0);
  let h3 = sha_word(d.w, e0, g0, h1);
  *w = array<vec4<u32>, 4>(vec4<u32>(e0, e1, e2, e3), vec4<u32>(f0, f1, f2, f3), vec4<u32>(g0, g1, g2, g3), vec4<u32>(h0, h1, h2, h3));
}

/** Chains one block of sixteen big-endian words, which are overwritten. */
fn sha_compress(state: ptr<function, array<u32, 8>>, w: ptr<function, array<vec4<u32>, 4>>) {
  var s = *state;
  sha_four(&s, (*w)[0] + vec4<u32>(0x428a2f98u, 0x71374491u, 0xb5c0fbcfu, 0xe9b5dba5u));
  sha_four(&s, (*w)[1] + vec4<u32>(0x3956c25bu, 0x59f111f1u, 0x923f82a4u, 0xab1c5ed5u));
  sha_four(&s, (*w)[2] + vec4<u32>(0xd807aa98u, 0x12835b01u, 0x243185beu, 0x550c7dc3u));
  sha_four(&s, (*w)[3] + vec4<u32>(0x72be5d74u, 0x80deb1feu, 0x9bdc06a7u, 0xc19bf174u));
  sha_extend(w);
  sha_four(&s, (*w)[0] + vec4<u32>(0xe49b69c1u, 0xefbe4786u, 0x0fc19dc6u, 0x240ca1ccu));
  sha_four(&s, (*w)[1] + vec4<u32>(0x2de92c6fu, 0x4a7484aau, 0x5cb0a9dcu, 0x76f988dau));
  sha_four(&s, (*w)[2] + vec4<u32>(0x983e5152u, 0xa831c66du, 0xb00327c8u, 0xbf597fc7u));
  sha_four(&s, (*w)[3] + vec4<u32>(0xc6e00bf3u, 0xd5a79147u, 0x06ca6351u, 0x14292967u));
  sha_extend(w);
  sha_four(&s, (*w)[0] + vec4<u32>(0x27b70a85u, 0x2e1b2138u, 0x4d2c6dfcu, 0x53380d13u));
  sha_four(&s, (*w)[1] + vec4<u32>(0x650a7354u, 0x766a0abbu, 0x81c2c92eu, 0x92722c85u));
  sha_four(&s, (*w)[2] + vec4<u32>(0xa2bfe8a1u, 0xa81a664bu, 0xc24b8b70u, 0xc76c51a3u));
  sha_four(&s, (*w)[3] + vec4<u32>(0xd192e819u, 0xd6990624u, 0xf40e3585u, 0x106aa070u));
  sha_extend(w);
  sha_four(&s, (*w)[0] + vec4<u32>(0x19a4c116u, 0x1e376c08u, 0x2748774cu, 0x34b0bcb5u));
  sha_four(&s, (*w)[1] + vec4<u32>(0x391c0cb3u, 0x4ed8aa4au, 0x5b9cca4fu, 0x682e6ff3u));
  sha_four(&s, (*w)[2] + vec4<u32>(0x748f82eeu, 0x78a5636fu, 0x84c87814u, 0x8cc70208u));
  sha_four(&s, (*w)[3] + vec4<u32>(0x90befffau, 0xa4506cebu, 0xbef9a3f7u, 0xc67178f2u));
  for (var i = 0u; i < 8u; i++) {
    (*state)[i] += s[i];
  }
}
