// parts: int64.wgsl train/outputs.wgsl
// quotient = ⌊numerator[i] / d⌋, remainder = numerator − quotient·d, complement = d − 1 − remainder, where
// d = denominator[i], positive and below 2^62.
// Buffers, digits and flags: outputs.wgsl. Grid: any number of workgroups. CPU twin: prover/train/operations.ts.

@group(0) @binding(6) var<storage, read> denominator: array<vec2<u32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  for (var i = id.x; i < params.grid.x; i += 64u * groups.x) {
    let d = denominator[i];
    let r = i64_floor_divide(numerator[i], d);
    put(i, r.quotient, r.remainder, i64_sub(i64_sub(d, vec2<u32>(1u, 0u)), r.remainder));
  }
}
