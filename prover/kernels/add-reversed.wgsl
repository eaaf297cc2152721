// target[offset + j] += data[reversed(start + j)] for j < count, the lowest log_size bits reversed: adds the outputs
// start … start + count − 1 of a transform of 2^log_size pairs. Grid: one thread per element.
// parts: field.wgsl
struct Params {
  offset: u32,
  start: u32,
  count: u32,
  log_size: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> data: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> result: array<vec4<u32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  for (var j = id.x; j < params.count; j += groups.x * 64u) {
    let at = params.offset + j;
    let output = reverseBits(((params.start + j) & ((1u << params.log_size) - 1u)) << 1u) >> (31u - params.log_size);
    result[at] = ext_add(result[at], data[output]);
  }
}
