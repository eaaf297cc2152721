/** `./zklora inspect`. */
import { readFile } from 'node:fs/promises';
import { toHex } from '../../protocol/bytes.ts';
import type { LogEntry } from '../../protocol/channel.ts';
import { instanceOf, instanceSoundness } from '../../protocol/instance.ts';
import type { Soundness } from '../../protocol/soundness.ts';
import { runId, type RunSpec, type Statement } from '../../protocol/statement.ts';
import { readProofStatement, VERIFIER } from '../../protocol/verify.ts';
import { table } from '../table.ts';
import { rangeText } from './ranges.ts';
import { judge, type Verdict } from './verify-files.ts';

/** Bytes of a proof by the argument that they belong to, in the order of the proof; openings of the code in parts. */
export function sizesByArgument(log: readonly LogEntry[]): { readonly argument: string; readonly bytes: number }[] {
  const sizes = new Map<string, number>();
  for (const { label, length } of log) {
    const [first, second] = label.split('.');
    const argument = first === 'code' ? `code: ${second}` : first;
    sizes.set(argument, (sizes.get(argument) ?? 0) + length);
  }
  return [...sizes].filter(([, bytes]) => bytes > 0).map(([argument, bytes]) => ({ argument, bytes }));
}

/** Prints a proof in words. @returns the exit status: 0 for a valid proof. @throws ProtocolError without a statement */
export async function inspectCommand(file: string, { json }: { readonly json: boolean }): Promise<number> {
  const bytes = await readFile(file);
  const statement = readProofStatement(bytes);
  const soundness = instanceSoundness(instanceOf(statement));
  const verdict = judge({ name: file, bytes });
  const sizes = sizesByArgument(verdict.verified?.log ?? []);
  if (json) process.stdout.write(`${JSON.stringify(inspection(statement, verdict, sizes, soundness))}\n`);
  else {
    const parts = [statementText(statement), verdictText(verdict)];
    if (sizes.length > 0) parts.push(sizeTable(sizes, bytes.length));
    process.stdout.write(`${[...parts, soundnessTable(soundness)].join('\n\n')}\n`);
  }
  return verdict.verified === null ? 1 : 0;
}

function inspection(statement: Statement, verdict: Verdict, sizes: object, soundness: Soundness) {
  const { bytes, refusal, verified } = verdict;
  const refused = refusal === null ? null : { code: refusal.code, message: refusal.message };
  const id = toHex(runId(statement.run));
  return {
    valid: verified !== null,
    refusal: refused,
    runId: id,
    statement,
    bytes,
    sizes,
    soundness,
    verifier: VERIFIER,
  };
}

/** What a statement says. */
export function statementText({ run, segment }: Statement): string {
  const { model, lora } = run;
  const { counts, losses } = segment;
  const start = segment.first === 0 ? 'the public A₀ of the run’s seed, moments of zero' : segment.adapterIn!;
  const mean = (i: number): string => ((losses?.[i] ?? 0) / counts[i] / 1024).toFixed(4);
  const loss = losses === null ? 'hidden' : counts.map((_, i) => mean(i)).join(', ');
  const lines: [string, string][] = [
    ['run', toHex(runId(run))],
    ['proves', `${rangeText(segment)} of ${run.steps} (counted from 0)`],
    [
      'model',
      `${model.layers} layers, width ${model.hiddenSize}, vocabulary ${model.vocabSize}, by ${run.quantisation}`,
    ],
    ['base root', run.baseRoot],
    ['data', `${run.dataRows} rows of ${run.seqLen} labels, by ${run.rows.rule}`],
    ['data root', run.dataRoot],
    ['adapter', `LoRA of rank ${lora.rank}, alpha ${lora.alpha}, on ${lora.targets.join(', ')}`],
    ['optimiser', optimizerText(run)],
    ['batch', `${run.batch} rows a step`],
    ['starts at', start],
    ['ends at', segment.adapterOut],
    ['labels', counts.join(', ')],
    ['mean loss', loss],
    ['owner', run.owner],
    ['protocol', `${run.protocol}, parameters ${run.parameters}`],
  ];
  return lines.map(([name, value]) => `${name.padEnd(10)}  ${value}`).join('\n');
}

function optimizerText({ optimizer }: RunSpec): string {
  const { schedule } = optimizer;
  const rate = `lr ${optimizer.lr}, ${schedule.kind}${schedule.warmup > 0 ? ` after ${schedule.warmup} steps of warm-up` : ''}`;
  if (optimizer.kind === 'sgd') return `SGD, ${rate}, momentum ${optimizer.momentum}`;
  const { beta1, beta2, eps, weightDecay } = optimizer;
  return `AdamW, ${rate}, β₁ ${beta1}, β₂ ${beta2}, ε ${eps}, weight decay ${weightDecay}`;
}

function verdictText({ verified, refusal, milliseconds }: Verdict): string {
  const by = `${VERIFIER.id} ${VERIFIER.version} (code ${VERIFIER.codeHash.slice(0, 16)}…)`;
  if (verified === null) return `refused by ${by}: ${refusal?.message} [${refusal?.code}]`;
  return `valid: verified by ${by} in ${milliseconds.toFixed(0)} ms; SHA-256 ${toHex(verified.proofDigest)}`;
}

function sizeTable(sizes: readonly { argument: string; bytes: number }[], total: number): string {
  const rows = sizes.map(({ argument, bytes }) => [argument, bytes, `${((100 * bytes) / total).toFixed(1)} %`]);
  return table(['part of the proof', 'bytes', 'share'], [...rows, ['all', total, '100 %']]);
}

/** The soundness table as the calculator has it. */
export function soundnessTable({ terms, target, bits }: Soundness): string {
  const rows = terms.map((t) => [t.name, t.formula, t.statistical, t.grinding, t.statistical + t.grinding]);
  const text = table(['soundness term', 'error', 'statistical', 'work', 'bits'], rows);
  return `${text}\nweakest term: ${bits} bits; ${target} are required`;
}
