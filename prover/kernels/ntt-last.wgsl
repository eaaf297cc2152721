// The last pass, in place: transforms of 2^log_radix consecutive pairs each, log_radix ≤ 4, slot s getting the output
// number `reversed s`. data: 16·runs pairs; the buffer holds all of them even where the code's slices end before.
// Grid: one thread per 16 pairs. CPU twin: cpu-ntt.ts.
// parts: field.wgsl ntt.wgsl
struct Params {
  log_radix: u32,
  runs: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> data: array<vec4<u32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  for (var t = id.x; t < params.runs; t += groups.x * 64u) {
    var x: array<vec4<u32>, 16>;
    for (var a = 0u; a < 16u; a++) {
      x[a] = data[16u * t + a];
    }
    transform16(&x, params.log_radix);
    for (var a = 0u; a < 16u; a++) {
      data[16u * t + a] = x[a];
    }
  }
}
