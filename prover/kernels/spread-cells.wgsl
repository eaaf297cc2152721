// Cells to coset coefficients: data[(k·pairs + p)·2^log_h + i] = (cells[2p·2^log_h + i], cells[(2p+1)·2^log_h + i])·ω^(i·(coset + k)),
// zero beyond `length` cells; k < cosets. The transform of a slice then gives the values on the coset ω^(coset+k)·⟨ω^K⟩.
// cells: staged columns of this block. roots, data: as in ntt-pass.wgsl. Grid: one thread per i and coset.
// parts: field.wgsl
struct Params {
  log_h: u32,
  pairs: u32,
  cosets: u32,
  coset: u32,
  length: u32,
  log_n: u32,
  log_low: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> roots: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> cells: array<u32>;
@group(0) @binding(3) var<storage, read_write> data: array<vec4<u32>>;

/** ω^e for e < 2^log_n. */
fn root(e: u32) -> vec2<u32> {
  let low = 1u << params.log_low;
  return fp_mul(roots[e & (low - 1u)], roots[low + (e >> params.log_low)]);
}

fn cell(at: u32) -> u32 {
  if (at < params.length) {
    return cells[at];
  }
  return 0u;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let height = 1u << params.log_h;
  for (var t = id.x; t < params.cosets << params.log_h; t += groups.x * 64u) {
    let i = t & (height - 1u);
    let k = t >> params.log_h;
    let shift = root((i * (params.coset + k)) & ((1u << params.log_n) - 1u));
    let out = ((k * params.pairs) << params.log_h) + i;
    for (var p = 0u; p < params.pairs; p++) {
      let source = (p << (params.log_h + 1u)) + i;
      let a = cell(source);
      let b = cell(source + height);
      var value = vec4<u32>(a, 0u, b, 0u);
      if (params.coset + k != 0u) {
        value = vec4<u32>(fp_scale_u32(shift, a), fp_scale_u32(shift, b));
      }
      data[out + (p << params.log_h)] = value;
    }
  }
}
