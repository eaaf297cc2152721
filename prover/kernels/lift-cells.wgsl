// parts: grid.wgsl
// out[at + k] = cells[start + k] as an F_p² element, k < count, inside one chunk of each.
// Grid: any; workgroups take blocks of k. CPU twin: cellsToExt in backend/cpu-tables.ts.

struct Params { at: u32, start: u32, count: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> cells: array<u32>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<u32>>;

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let span = block(params.count, group.x, groups.x);
  for (var k = span.x + thread; k < span.y; k += THREADS) {
    out[params.at + k] = vec4<u32>(cells[params.start + k], 0u, 0u, 0u);
  }
}
