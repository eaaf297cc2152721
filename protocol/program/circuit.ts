/**
 * A program made ready for the arguments: multiplicity cells added, cells laid out in their oracles' stacks, lookups laid
 * out as leaves of one fractional sum, and every integer identity's bound computed.
 */
import { P } from '../field.ts';
import type { LlamaProgram } from './llama.ts';
import { pack, shapeOf, stackOf, type Placement, type Stack } from './layout.ts';
import type { Lookup, Relation, TableName, Term } from './relations.ts';
import { expColumns, expMin, siluColumns, siluMin, type TableColumns } from './tables.ts';
import { ORACLES, axis, log2Ceil, magnitude, sizeOf, type Cells, type OracleName, type Tensor } from './tensors.ts';

/** A lookup table with what makes it part of a circuit. `start` and `columns` are computed when first read. */
export interface Table extends TableColumns {
  readonly name: TableName;
  /** Distinguishes tables inside the fingerprint. */
  readonly tag: bigint;
  /** log₂ of the number of rows. */
  readonly bits: number;
  readonly multiplicity: Cells;
}

interface LeafPlace {
  readonly name: string;
  readonly start: number;
  readonly blocks: number;
  readonly loBits: number;
}

/** One region of leaves. */
export type Leaf =
  | (LeafPlace & { readonly kind: 'range'; readonly placement: Placement; readonly bits: number })
  | (LeafPlace & { readonly kind: 'rangeTable'; readonly placement: Placement; readonly bits: number })
  | (LeafPlace & { readonly kind: 'lookup'; readonly lookup: Lookup; readonly table: Table })
  | (LeafPlace & { readonly kind: 'table'; readonly placement: Placement; readonly table: Table });

export interface Circuit {
  readonly program: LlamaProgram;
  readonly stacks: Readonly<Record<OracleName, Stack>>;
  readonly leaves: readonly Leaf[];
  readonly leafCount: number;
  readonly leafBits: number;
  readonly tables: ReadonlyMap<TableName, Table>;
  readonly bounds: readonly { readonly name: string; readonly bits: number }[];
  /** Where the named cells lie. */
  placement(cells: Cells): Placement;
}

/** Tag of range tables of width k is k; named tables come above. */
const SILU_TAG = 63n;
const EXP_TAG = 64n;

/** Multiplicity cells of a range table. */
export const rangeCells = (bits: number): string => `multiplicity.range${bits}`;

function makeTable(program: LlamaProgram, name: TableName): Table {
  const { widths } = program.config;
  const silu = name === 'silu';
  const bits = silu ? widths.gate : widths.spread;
  const multiplicity: Cells = {
    name: `multiplicity.${name}`,
    oracle: 'witness',
    axes: [axis(`row.${name}`, 2 ** bits)],
    bits: null,
  };
  const p = silu ? 0 : Number(name.slice(3));
  // A table may have 2^26 rows: a circuit must be cheap, so that its cost can be known before it is paid.
  let computed: TableColumns | undefined;
  const table = (): TableColumns => (computed ??= silu ? siluColumns(bits) : expColumns(p, bits));
  return {
    name,
    tag: silu ? SILU_TAG : EXP_TAG + BigInt(p),
    bits,
    multiplicity,
    min: silu ? siluMin(bits) : expMin(bits),
    get start() {
      return table().start;
    },
    get columns() {
      return table().columns;
    },
  };
}

/** Sum over the terms of the largest absolute value, over all real indices. */
export function relationBound(relation: Relation): bigint {
  const inDomain = new Set(relation.domain.map((a) => a.name));
  return relation.terms.reduce((sum, t) => sum + termBound(t, inDomain), 0n);
}

function termBound(t: Term, inDomain: ReadonlySet<string>): bigint {
  let bound = t.coef < 0n ? -t.coef : t.coef;
  if (t.scale !== undefined)
    bound *= t.scale.values.reduce((m, v) => ((v < 0n ? -v : v) > m ? (v < 0n ? -v : v) : m), 0n);
  const summed = new Map<string, number>();
  const whole = new Set<string>();
  for (const f of t.factors) {
    const names = f.uses.map((u) => ('axis' in u && !inDomain.has(u.axis) ? u.axis : null));
    const last = names.at(-1) ?? null;
    const total = f.tensor.kind === 'onehot' ? 1n : f.tensor.kind === 'tensor' ? f.tensor.lastAxisSum : undefined;
    // |Σ a·b| ≤ Σ|a| · max|b|: one factor's sum over its last axis stands for that axis's length. Only one, since two
    // (|a_kj| summed over j, |b_jk| over k) can reach the length together; and not in the relation that shows the total.
    const useTotal = total !== undefined && last !== null && whole.size === 0 && t.factors.length > 1;
    if (useTotal) whole.add(last);
    bound *= useTotal ? total : magnitude(f.tensor);
    names.forEach((name, i) => {
      if (name !== null) summed.set(name, f.tensor.axes[i].size);
    });
  }
  for (const name of whole) summed.delete(name);
  for (const size of summed.values()) bound *= BigInt(size);
  return bound;
}

/** @throws RangeError when an identity could wrap around p. */
function checkBounds(program: LlamaProgram): { name: string; bits: number }[] {
  const all = [...program.relations, ...program.ties, program.loss];
  return all.map((relation) => {
    const bound = relationBound(relation);
    if (2n * bound >= P)
      throw new RangeError(
        `relation ${relation.name} can reach 2^${bound.toString(2).length}, beyond p/2; lower the declared widths`,
      );
    return { name: relation.name, bits: bound.toString(2).length };
  });
}

/** Most blocks of one tensor's cells, for each of which a verifier computes weights: the product of its odd digits. */
const MAX_BLOCKS = 2 ** 18;

/** @throws RangeError for dimensions whose odd parts make a verifier's work grow with the tensors instead of their logarithm */
function checkBlocks(stacks: Readonly<Record<OracleName, Stack>>): void {
  for (const { placements } of Object.values(stacks))
    for (const { cells, blocks } of placements.values())
      // Data rows are weighed one by one, only those that a step reads.
      if (blocks > MAX_BLOCKS && cells.oracle !== 'data')
        throw new RangeError(
          `${cells.name} lies in ${blocks} blocks, more than ${MAX_BLOCKS}; choose dimensions with larger powers of two`,
        );
}

/** Lays a program out, without computing any table. @throws RangeError when an identity's bound reaches p/2 or a lookup's shape can't be laid out. */
export function compile(program: LlamaProgram): Circuit {
  const bounds = checkBounds(program);
  const tables = new Map<TableName, Table>();
  for (const l of program.lookups) if (!tables.has(l.table)) tables.set(l.table, makeTable(program, l.table));
  const widths = [...new Set(program.cells.flatMap((c) => (c.bits === null ? [] : [c.bits])))].sort((a, b) => a - b);
  const counters = widths.map((bits): Cells => {
    const axes = [axis(`row.range${bits}`, 2 ** bits)];
    return { name: rangeCells(bits), oracle: 'witness', axes, bits: null };
  });
  const cells = [...program.cells, ...counters, ...[...tables.values()].map((t) => t.multiplicity)];
  const stacks = Object.fromEntries(ORACLES.map((o) => [o, stackOf(cells.filter((c) => c.oracle === o))])) as Record<
    OracleName,
    Stack
  >;
  checkBlocks(stacks);
  const placement = (c: Cells): Placement => {
    const found = stacks[c.oracle].placements.get(c.name);
    if (found === undefined) throw new RangeError(`no cells ${c.name} in oracle ${c.oracle}`);
    return found;
  };
  const leaves = layLeaves(program, tables, counters, placement);
  const leafCount = leaves.reduce((n, l) => Math.max(n, l.start + l.blocks * 2 ** l.loBits), 0);
  return { program, stacks, leaves, leafCount, leafBits: log2Ceil(leafCount), tables, bounds, placement };
}

type Unplaced<T> = T extends unknown ? Omit<T, 'start'> : never;

function layLeaves(
  program: LlamaProgram,
  tables: ReadonlyMap<TableName, Table>,
  counters: readonly Cells[],
  placement: (c: Cells) => Placement,
): Leaf[] {
  const items: Unplaced<Leaf>[] = [];
  const sized = (c: Cells) => {
    const p = placement(c);
    return { name: c.name, placement: p, blocks: p.blocks, loBits: p.loBits };
  };
  for (const c of program.cells) if (c.bits !== null) items.push({ kind: 'range', bits: c.bits, ...sized(c) });
  for (const c of counters) items.push({ kind: 'rangeTable', bits: log2Ceil(sizeOf(c.axes)), ...sized(c) });
  for (const lookup of program.lookups) {
    checkLookup(lookup);
    const { blocks, loBits } = shapeOf(lookup.key.axes);
    items.push({
      kind: 'lookup',
      name: `lookup.${lookup.name}`,
      lookup,
      table: tables.get(lookup.table) as Table,
      blocks,
      loBits,
    });
  }
  for (const table of tables.values()) items.push({ kind: 'table', table, ...sized(table.multiplicity) });
  return pack(items).map(({ item, base }) => ({ ...item, start: base }));
}

/** A lookup's columns share the order of cells; what the key subtracts lacks only the last, innermost axis. */
function checkLookup(lookup: Lookup): void {
  const same = (t: Tensor, axes: Tensor['axes']): boolean =>
    t.parts.every(
      (p) => p.slice === undefined && p.cells.axes.map((a) => a.name).join() === axes.map((a) => a.name).join(),
    );
  const { key, keyMinus, outputs } = lookup;
  const last = key.axes[key.axes.length - 1];
  const pow = last !== undefined && 2 ** log2Ceil(last.size) === last.size && !last.short;
  const fine = same(key, key.axes) && outputs.every((o) => same(o, key.axes));
  const minus = keyMinus === null || (pow && same(keyMinus, key.axes.slice(0, -1)));
  if (!fine || !minus || (lookup.causal && !pow))
    throw new RangeError(`lookup ${lookup.name} has columns of different shapes`);
}
