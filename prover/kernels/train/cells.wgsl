// parts: int64.wgsl
// Cells of a tensor: ((bias ± value) >> shift) & mask, where −bias is the tensor's offset and the shift selects a limb.
// Values are words, signed unless UNSIGNED, with their high words in a second plane if there is one.
// Grid: any number of workgroups. CPU twin: prover/train/cells.ts.

override UNSIGNED: bool = false;

struct Params {
  grid: vec4<u32>, // entries, first value, first cell, second plane (0: none)
  cut: vec4<u32>, // bias, shift, mask
  sign: vec4<u32>, // 1: −value
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> values: array<u32>;
@group(0) @binding(2) var<storage, read_write> cells: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let plane = params.grid.w;
  for (var i = id.x; i < params.grid.x; i += 64u * groups.x) {
    let at = params.grid.y + i;
    let low = values[at];
    var high = 0u;
    if (!UNSIGNED) {
      high = select(values[at + plane], u32(i32(low) >> 31u), plane == 0u);
    }
    let value = vec2<u32>(low, high);
    let s = select(i64_add(params.cut.xy, value), i64_sub(params.cut.xy, value), params.sign.x == 1u);
    cells[params.grid.z + i] = i64_shift_right(s, params.cut.z).x & params.cut.w;
  }
}
