// value = silu(x) and slope = silu'(x): entry x + bound of the table, whose two halves hold silu and silu', for
// −bound ≤ x < bound; outside 0 and 0 below, x and 2^12 above.
// flags[slot], flags[slot + 1]: the smallest entry whose value or slope leaves its range.
// Grid: any number of workgroups. CPU twin: prover/train/nonlinear.ts.

struct Params {
  grid: vec4<u32>, // entries, bound, flag slot
  base: vec4<u32>, // x, value, slope
  range: vec4<i32>, // smallest and largest value, slope
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<i32>;
@group(0) @binding(2) var<storage, read> table: array<i32>;
@group(0) @binding(3) var<storage, read_write> value: array<i32>;
@group(0) @binding(4) var<storage, read_write> slope: array<i32>;
@group(0) @binding(5) var<storage, read_write> flags: array<atomic<u32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let bound = i32(params.grid.y);
  for (var i = id.x; i < params.grid.x; i += 64u * groups.x) {
    let v = x[params.base.x + i];
    let inside = v >= -bound && v < bound;
    let at = u32(clamp(v, -bound, bound - 1) + bound);
    let y = select(max(v, 0), table[at], inside);
    let dy = select(select(0, 4096, v > 0), table[at + 2u * params.grid.y], inside);
    value[params.base.y + i] = y;
    slope[params.base.z + i] = dy;
    if (y < params.range.x || y > params.range.y) {
      atomicMin(&flags[params.grid.z], i);
    }
    if (dy < params.range.z || dy > params.range.w) {
      atomicMin(&flags[params.grid.z + 1u], i);
    }
  }
}
