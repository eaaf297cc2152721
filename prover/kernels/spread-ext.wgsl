// F_p² coefficients to coset coefficients: data[k·2^log_h + i] = v[i]·ω^(i·(coset + k)), zero from `length` on; k < cosets.
// roots, data: as in ntt-pass.wgsl, the two parts of an element being the pair. Grid: one thread per i and coset.
// parts: field.wgsl
struct Params {
  log_h: u32,
  cosets: u32,
  coset: u32,
  length: u32,
  log_n: u32,
  log_low: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> roots: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> v: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> data: array<vec4<u32>>;

/** ω^e for e < 2^log_n. */
fn root(e: u32) -> vec2<u32> {
  let low = 1u << params.log_low;
  return fp_mul(roots[e & (low - 1u)], roots[low + (e >> params.log_low)]);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  for (var t = id.x; t < params.cosets << params.log_h; t += groups.x * 64u) {
    let i = t & ((1u << params.log_h) - 1u);
    let k = t >> params.log_h;
    var value = vec4<u32>();
    if (i < params.length) {
      value = ext_mul_base(v[i], root((i * (params.coset + k)) & ((1u << params.log_n) - 1u)));
    }
    data[t] = value;
  }
}
