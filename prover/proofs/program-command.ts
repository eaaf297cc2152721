/** `./zklora program`. */
import { presentOracles } from '../../protocol/arguments/opening.ts';
import { PARAMETER_SETS, codeShape } from '../../protocol/parameters.ts';
import { compile, type Circuit } from '../../protocol/program/circuit.ts';
import type { Operand } from '../../protocol/program/tensors.ts';
import type { Term } from '../../protocol/program/relations.ts';
import { soundness, type Soundness } from '../../protocol/soundness.ts';
import { readArchitecture } from '../model/config.ts';
import { loadTokenizer } from '../model/tokenizer.ts';
import { table } from '../table.ts';
import { RunConfigError } from '../train/errors.ts';
import { readSettings, runConfig } from '../train/run-config.ts';
import { runShape, shapeProgram } from '../train/run-shape.ts';
import { soundnessTable } from './inspect-command.ts';
import { segmentRanges } from './ranges.ts';

export interface ProgramRequest {
  readonly model: string;
  readonly config?: string;
  readonly dataRows: number;
  readonly stepsPerProof: number;
  readonly json: boolean;
}

/** Prints what is proven of one segment. @throws RunConfigError for settings that no program exists for */
export async function programCommand(request: ProgramRequest): Promise<void> {
  const { model, config: file, dataRows, stepsPerProof } = request;
  const architecture = await readArchitecture(model);
  const settings = file === undefined ? {} : await readSettings(file);
  const { steps = 30 } = settings;
  segmentRanges(1, stepsPerProof);
  const config = runConfig({ ...settings, steps: Math.max(steps, stepsPerProof) });
  const shape = runShape(config, architecture, await loadTokenizer(model), dataRows);
  const counts = Array.from({ length: stepsPerProof }, () => config.batch * config.seqLen);
  const circuit = compiled(() => compile(shapeProgram(shape, counts)));
  const params = PARAMETER_SETS.get(config.parameters)!;
  const sound = soundness(circuit, params, presentOracles(circuit));
  const report = programReport(circuit, sound);
  process.stdout.write(request.json ? `${JSON.stringify(report)}\n` : `${programText(report, sound)}\n`);
}

function compiled(make: () => Circuit): Circuit {
  try {
    return make();
  } catch (error) {
    if (error instanceof RangeError) throw new RunConfigError(error.message);
    throw error;
  }
}

/** Share of an address space of 2^bits that nothing real occupies. */
interface Filling {
  readonly name: string;
  readonly real: number;
  readonly addressed: number;
  readonly padding: number;
}

function filling(name: string, real: number, addressed: number): Filling {
  return { name, real, addressed, padding: 1 - real / addressed };
}

/** Everything that the command prints, as data. */
export function programReport(circuit: Circuit, sound: Soundness) {
  const { program, bounds, leaves, leafCount, leafBits, stacks } = circuit;
  // In the order of the circuit's bounds.
  const all = [
    ...program.relations.map((r) => ({ ...r, equals: '0' })),
    ...program.ties.map((tie) => ({ ...tie, equals: `data ${tie.entry}` })),
    { ...program.loss, equals: '−loss' },
  ];
  const relations = all.map(({ name, domain, terms, equals }, i) => {
    const identity = `${identityText(terms)} = ${equals}`;
    return { name, domain: domain.map((a) => a.name), identity, bits: bounds[i].bits };
  });
  const lookups = program.lookups.map(({ name, table: rows, key }) => ({ name, table: rows, key: key.name }));
  const real = leaves.reduce((n, l) => n + l.blocks * 2 ** l.loBits, 0);
  const oracles = presentOracles(circuit).map((oracle) => {
    const { length } = stacks[oracle];
    const { columns, logHeight } = codeShape(oracle, length);
    const cells = [...stacks[oracle].placements.values()].reduce((n, p) => n + p.blocks * 2 ** p.loBits, 0);
    return filling(`${oracle} cells`, cells, columns * 2 ** logHeight);
  });
  const fillings = [...oracles, filling('lookup leaves', real, leafCount)];
  return { relations, lookups, fillings, leafBits, soundness: { bits: sound.bits, target: sound.target } };
}

/** Σ coef·Π tensors, as the program declares it; a tensor's shifted or fixed indices are told after it. */
function identityText(terms: readonly Term[]): string {
  return terms.map((term, i) => termText(term, i === 0)).join(' ');
}

function termText({ coef, scale, factors }: Term, first: boolean): string {
  const sign = coef < 0n ? '−' : first ? '' : '+';
  const size = coef < 0n ? -coef : coef;
  const parts = factors.map(operandText);
  if (scale !== undefined) parts.unshift(`c[${scale.axis}]`);
  if (size !== 1n || parts.length === 0) parts.unshift(powerText(size));
  return `${sign}${first ? '' : ' '}${parts.join('·')}`;
}

function powerText(n: bigint): string {
  const bits = n.toString(2).length - 1;
  return n > 2n && n === 1n << BigInt(bits) ? `2^${bits}` : String(n);
}

function operandText({ tensor, uses }: Operand): string {
  const indices = tensor.axes.flatMap(({ name }, i) => {
    const use = uses[i];
    if ('fixed' in use) return [`${name}=${use.fixed}`];
    const shift = use.offset === 0 ? '' : `+${use.offset}`;
    return use.axis === name && shift === '' ? [] : [`${name}=${use.axis}${shift}`];
  });
  return indices.length === 0 ? tensor.name : `${tensor.name}[${indices.join(',')}]`;
}

function programText(
  { relations, lookups, fillings, leafBits }: ReturnType<typeof programReport>,
  sound: Soundness,
): string {
  const bounds = relations.map((r) => [r.name, r.bits, r.domain.join(' '), r.identity]);
  const shares = fillings.map((f) => [f.name, f.real, f.addressed, `${(100 * f.padding).toFixed(2)} %`]);
  return [
    table(['relation', 'bits', 'at every', 'identity over the integers'], bounds),
    'bits: the identity’s left side stays below 2^bits for all cells in their ranges; it must stay below p/2, p < 2^64.',
    table(
      ['lookup', 'table', 'key'],
      lookups.map((l) => [l.name, l.table, l.key]),
    ),
    table(['what', 'real', 'with padding', 'padding'], shares),
    `The tree of lookups has ${leafBits} layers.`,
    soundnessTable(sound),
  ].join('\n\n');
}
