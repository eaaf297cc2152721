// parts: field.wgsl grid.wgsl cells.wgsl
// A piece of a leaf region, for k < count and i = first + k: outQ[at + k] = constant − Σ_c coef_c·value_c(i), value_c(i) =
// the cell of `slot` at base + (i >> shift), or i itself for slot NONE; outP[at + k] by NUMERATOR:
// 0: zero, 1: one, 2: −cells[slot at base + i], 3: one where i mod 2^log ≤ ⌊i/2^log⌋ mod 2^log, else zero.
// columns: (slot, base, shift, 0), coef for each; bases are relative to the bound chunk, modulo 2^32.
// Grid: any; workgroups take blocks of k. CPU twin: leaves in backend/cpu-fractions.ts.

override NUMERATOR: u32;

const NONE = 0xffffffffu;
const ZERO = vec4<u32>(0u);
const ONE = vec4<u32>(1u, 0u, 0u, 0u);

struct Params {
  constant: vec4<u32>,
  at: u32, first: u32, count: u32, columns: u32,
  numeratorSlot: u32, numeratorBase: u32, log: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> columns: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read_write> outP: array<vec4<u32>>;
@group(0) @binding(7) var<storage, read_write> outQ: array<vec4<u32>>;

fn numerator(i: u32) -> vec4<u32> {
  if (NUMERATOR == 0u) {
    return ZERO;
  }
  if (NUMERATOR == 1u) {
    return ONE;
  }
  if (NUMERATOR == 2u) {
    return ext_neg(vec4<u32>(cell_in(params.numeratorSlot, params.numeratorBase + i), 0u, 0u, 0u));
  }
  let mask = (1u << params.log) - 1u;
  return select(ZERO, ONE, (i & mask) <= ((i >> params.log) & mask));
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let span = block(params.count, group.x, groups.x);
  for (var k = span.x + thread; k < span.y; k += THREADS) {
    let i = params.first + k;
    var sum = ExtLimbs(vec4<u32>(0u), vec4<u32>(0u));
    // A column adds limbs below 14·2^16: one reduction does for 1024 of them.
    for (var c = 0u; c < params.columns; c++) {
      let column = columns[2u * c];
      var value = i;
      if (column.x != NONE) {
        value = cell_in(column.x, column.y + (i >> column.z));
      }
      sum = limbs_add(sum, ext_product_u32(columns[2u * c + 1u], value));
    }
    outP[params.at + k] = numerator(i);
    outQ[params.at + k] = ext_sub(params.constant, ext_reduce(sum));
  }
}
