// parts: int64.wgsl train/outputs.wgsl
// root = ⌊√acc[i]⌋, slack = acc[i] − root², coslack = 2·root − slack; acc[i] < 2^62.
// Buffers, digits and flags: outputs.wgsl. Grid: any number of workgroups. CPU twin: prover/train/operations.ts.

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  for (var i = id.x; i < params.grid.x; i += 64u * groups.x) {
    let n = numerator[i];
    let root = u64_sqrt(n);
    let slack = i64_sub(n, u32_mul(root, root));
    put(i, vec2<u32>(root, 0u), slack, i64_sub(vec2<u32>(root << 1u, root >> 31u), slack));
  }
}
