// out[r] += Σ_c weights[c]·cell(c·2^log_h + row + r) over the cells of one chunk, r < rows.
// cells: one chunk, cell c·2^log_h + row + r at index origin + (c − first)·2^log_h + r (mod 2^32), absent unless < count.
// weights: F_p² by column; columns first … first + columns − 1 have cells in the chunk. out: one chunk of F_p².
// Grid: one thread per four rows. CPU twin: cpu-code.ts, combineColumns.
// parts: field.wgsl wide.wgsl
struct Params {
  log_h: u32,
  origin: u32,
  count: u32,
  rows: u32,
  first: u32,
  columns: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> cells: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4<u32>>;

/** Cells at … at + 3, zero where absent. Columns of 4 and more cells start at multiples of 4 in a chunk. */
fn four(at: u32) -> vec4<u32> {
  if (params.log_h >= 2u && at < params.count && params.count - at >= 4u) {
    return cells[at >> 2u];
  }
  var quad = vec4<u32>();
  for (var j = 0u; j < 4u; j++) {
    if (at + j < params.count) {
      quad[j] = cells[(at + j) >> 2u][(at + j) & 3u];
    }
  }
  return quad;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  for (var t = id.x; 4u * t < params.rows; t += groups.x * 64u) {
    // Initialised by hand: a driver may zero a variable of a loop only once.
    var low = array<Wide, 4>();
    var high = array<Wide, 4>();
    var at = params.origin + 4u * t;
    for (var c = 0u; c < params.columns; c++) {
      let weight = weights[params.first + c];
      let quad = four(at);
      for (var j = 0u; j < 4u; j++) {
        wide_add(&low[j], wide_scale(weight.xy, quad[j]));
        wide_add(&high[j], wide_scale(weight.zw, quad[j]));
      }
      at += 1u << params.log_h;
    }
    for (var j = 0u; j < 4u; j++) {
      let r = 4u * t + j;
      if (r < params.rows) {
        out[r] = ext_add(out[r], vec4<u32>(wide_reduce(low[j]), wide_reduce(high[j])));
      }
    }
  }
}
