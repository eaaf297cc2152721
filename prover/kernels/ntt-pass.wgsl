// One pass, in place, of the transforms of `slices` slices of 2^log_h pairs each, decimation in frequency:
// within each block of 2^(log_radix + log_m) pairs, x[i1·M + i0] is transformed over i1, giving slot s the output
// k1 = reversed s, which is multiplied by ω_B^(i0·k1). After all passes position q holds output number reversed q.
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
override LOG_RADIX: u32 = 4u;

/** ω^e for e < 2^log_n. */
fn root(e: u32) -> vec2<u32> {
  let low = 1u << params.log_low;
  return fp_mul(roots[e & (low - 1u)], roots[low + (e >> params.log_low)]);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  // 2^log_sub transforms per thread; a slice of fewer than 16 pairs leaves some of them without data.
  let log_sub = 4u - LOG_RADIX;
  let transforms = 1u << (params.log_h - LOG_RADIX);
  let threads = max(1u, transforms >> log_sub);
  let total = threads * ((params.slices + params.span - 1u) / params.span);
  for (var t = id.x; t < total; t += groups.x * 64u) {
    let first = (t % threads) << log_sub;
    var at: array<u32, 16>;
    var twiddle: array<vec2<u32>, 16>;
    for (var a = 0u; a < 16u; a++) {
      let g = first + (a >> LOG_RADIX);
      let slot = a & ((1u << LOG_RADIX) - 1u);
      let i0 = g & ((1u << params.log_m) - 1u);
      at[a] = ((((g >> params.log_m) << LOG_RADIX) + slot) << params.log_m) + i0;
      let k1 = reverseBits(slot << 1u) >> (31u - LOG_RADIX);
      twiddle[a] = root((i0 * k1) << (params.log_n - LOG_RADIX - params.log_m));
    }
    let begin = (t / threads) * params.span;
    let end = min(params.slices, begin + params.span);
    for (var slice = begin; slice < end; slice++) {
      let base = slice << params.log_h;
      var x: array<vec4<u32>, 16>;
      for (var a = 0u; a < 16u; a++) {
        if (first + (a >> LOG_RADIX) < transforms) {
          x[a] = data[base + at[a]];
        }
      }
      transform16(&x, LOG_RADIX);
      for (var a = 0u; a < 16u; a++) {
        if (first + (a >> LOG_RADIX) < transforms) {
          data[base + at[a]] = ext_mul_base(x[a], twiddle[a]);
        }
      }
    }
  }
}
