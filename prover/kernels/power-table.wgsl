// out[k·size + i] = scale[k]·Π_b squares[k·32 + first + b] over the set bits b of i: with squares[k·32 + b] = z_k^(2^b)
// the powers scale[k]·z_k^(i·2^first), i < size, k < points. squares: F_p; scale, out: F_p².
// Grid: one thread per entry.
// parts: field.wgsl
struct Params {
  points: u32,
  size: u32,
  first: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> squares: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> scale: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4<u32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  for (var t = id.x; t < params.points * params.size; t += groups.x * 64u) {
    let k = t / params.size;
    var power = vec2<u32>(1u, 0u);
    var at = 32u * k + params.first;
    for (var bits = t % params.size; bits != 0u; bits >>= 1u) {
      if ((bits & 1u) != 0u) {
        power = fp_mul(power, squares[at]);
      }
      at++;
    }
    out[t] = ext_mul_base(scale[k], power);
  }
}
