// Reads of u32 cells in up to four buffers at bindings 2 to 5 of group 0. A part.
// SLOTS: buffers in use; with one, the common case, a read costs no choice.

override SLOTS: u32 = 4u;

@group(0) @binding(2) var<storage, read> cells0: array<u32>;
@group(0) @binding(3) var<storage, read> cells1: array<u32>;
@group(0) @binding(4) var<storage, read> cells2: array<u32>;
@group(0) @binding(5) var<storage, read> cells3: array<u32>;

/** Cell i of buffer `slot`. */
fn cell_in(slot: u32, i: u32) -> u32 {
  if (SLOTS <= 1u) {
    return cells0[i];
  }
  switch slot {
    case 0u: { return cells0[i]; }
    case 1u: { return cells1[i]; }
    case 2u: { return cells2[i]; }
    default: { return cells3[i]; }
  }
}
