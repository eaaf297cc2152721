// One radix-16 pass, in place, of the transforms of `slices` slices of 2^log_h pairs each, decimation in frequency:
// within each block of 2^(4 + log_m) pairs, x[i1·M + i0] is transformed over i1 < 16, giving slot s the output
// k1 = reversed s, which is multiplied by ω_B^(i0·k1). Passes of falling log_m and ntt-last.wgsl leave output number
// `reversed q` at position q.
// roots: ω^e for e < 2^log_low, then ω^(e·2^log_low); ω of order 2^log_n. data: slices × 2^log_h.
// Grid: one thread per 16 pairs of `span` slices. CPU twin: cpu-ntt.ts.
// parts: field.wgsl ntt.wgsl
struct Params {
  log_h: u32,
  log_m: u32,
  slices: u32,
  span: u32,
  log_n: u32,
  log_low: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> roots: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read_write> data: array<vec4<u32>>;

/** ω^e for e < 2^log_n. */
fn root(e: u32) -> vec2<u32> {
  let low = 1u << params.log_low;
  return fp_mul(roots[e & (low - 1u)], roots[low + (e >> params.log_low)]);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let threads = 1u << (params.log_h - 4u);
  let total = threads * ((params.slices + params.span - 1u) / params.span);
  let m = 1u << params.log_m;
  for (var t = id.x; t < total; t += groups.x * 64u) {
    let g = t & (threads - 1u);
    let i0 = g & (m - 1u);
    // Slot s takes w^k1: bit b of the slot stands for w^(8 >> b).
    var twiddle: array<vec2<u32>, 16>;
    twiddle[8] = root(i0 << (params.log_n - 4u - params.log_m));
    twiddle[4] = fp_mul(twiddle[8], twiddle[8]);
    twiddle[2] = fp_mul(twiddle[4], twiddle[4]);
    twiddle[1] = fp_mul(twiddle[2], twiddle[2]);
    twiddle[12] = fp_mul(twiddle[8], twiddle[4]);
    twiddle[10] = fp_mul(twiddle[8], twiddle[2]);
    twiddle[9] = fp_mul(twiddle[8], twiddle[1]);
    twiddle[6] = fp_mul(twiddle[4], twiddle[2]);
    twiddle[5] = fp_mul(twiddle[4], twiddle[1]);
    twiddle[3] = fp_mul(twiddle[2], twiddle[1]);
    twiddle[14] = fp_mul(twiddle[12], twiddle[2]);
    twiddle[13] = fp_mul(twiddle[12], twiddle[1]);
    twiddle[11] = fp_mul(twiddle[10], twiddle[1]);
    twiddle[7] = fp_mul(twiddle[6], twiddle[1]);
    twiddle[15] = fp_mul(twiddle[14], twiddle[1]);
    let begin = (t >> (params.log_h - 4u)) * params.span;
    let end = min(params.slices, begin + params.span);
    let at = ((g >> params.log_m) << (4u + params.log_m)) + i0;
    for (var slice = begin; slice < end; slice++) {
      let base = (slice << params.log_h) + at;
      var x: array<vec4<u32>, 16>;
      for (var a = 0u; a < 16u; a++) {
        x[a] = data[base + a * m];
      }
      transform16(&x, 4u);
      data[base] = x[0];
      for (var a = 1u; a < 16u; a++) {
        data[base + a * m] = ext_mul_base(x[a], twiddle[a]);
      }
    }
  }
}
