// One level of a Merkle tree: node i = SHA-256(child 2i ‖ child 2i+1) for i < count.
// nodes: 8 words (two vec4) a digest; children start at digest `children`, nodes at `parents`.
// Grid: one thread per node. CPU twin: protocol/hash.ts, compressPair.
// parts: sha256.wgsl
struct Params {
  children: u32,
  parents: u32,
  count: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> nodes: array<vec4<u32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  for (var i = id.x; i < params.count; i += groups.x * 64u) {
    let child = 2u * params.children + 4u * i;
    var w = array<vec4<u32>, 4>(nodes[child], nodes[child + 1u], nodes[child + 2u], nodes[child + 3u]);
    var state = array<u32, 8>(
      0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au, 0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u
    );
    sha_compress(&state, &w);
    // The padding of a message of 64 bytes; its schedule is constant and folds into the round constants.
    var padding = array<vec4<u32>, 4>(vec4<u32>(0x80000000u, 0u, 0u, 0u), vec4<u32>(), vec4<u32>(), vec4<u32>(0u, 0u, 0u, 512u));
    sha_compress(&state, &padding);
    let to = 2u * (params.parents + i);
    nodes[to] = vec4<u32>(state[0], state[1], state[2], state[3]);
    nodes[to + 1u] = vec4<u32>(state[4], state[5], state[6], state[7]);
  }
}
