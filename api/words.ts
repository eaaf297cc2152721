/** What a run declares, in words for people who are no cryptographers: for the pages of the service and for browsers. */
import type { RunSpec } from '../protocol/statement.ts';

/** A term and what it is; digests and addresses are hexadecimal. */
export interface Fact {
  readonly term: string;
  readonly value: string;
  readonly kind: 'text' | 'digest' | 'address';
}

const text = (term: string, value: string): Fact => ({ term, value, kind: 'text' });
const digest = (term: string, value: string): Fact => ({ term, value, kind: 'digest' });

/** "1 step", "8 steps"; thousands are set apart by commas. */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString('en-GB')} ${n === 1 ? one : many}`;
}

/** Steps [first, first + steps), counted from 0: "step 3" or "steps 4 to 7". */
export function stepRange({ first, steps }: { readonly first: number; readonly steps: number }): string {
  return steps === 1 ? `step ${first}` : `steps ${first} to ${first + steps - 1}`;
}

/** "512 bytes", "590 kB", "1.2 MB". */
export function byteCount(bytes: number): string {
  if (bytes < 1000) return counted(bytes, 'byte');
  if (bytes < 999_500) return `${Math.round(bytes / 1000)} kB`;
  if (bytes < 999_950_000) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** The optimiser with its settings. */
export function optimizerWords({ optimizer }: RunSpec): string {
  const { lr, schedule } = optimizer;
  const warmup = schedule.warmup > 0 ? ` after ${counted(schedule.warmup, 'step')} of warm-up` : '';
  const rate = `learning rate ${lr}, ${schedule.kind}${warmup}`;
  if (optimizer.kind === 'sgd') return `SGD, ${rate}, momentum ${optimizer.momentum}`;
  const { beta1, beta2, eps, weightDecay } = optimizer;
  return `AdamW, ${rate}, β₁ ${beta1}, β₂ ${beta2}, ε ${eps}, weight decay ${weightDecay}`;
}

/** What a run declares. */
export function runFacts(run: RunSpec): Fact[] {
  const { model, lora } = run;
  return [
    text('Training steps', `${counted(run.steps, 'step')} of ${counted(run.batch, 'row')} each`),
    text('Training data', `${counted(run.dataRows, 'row')} of up to ${counted(run.seqLen, 'token')}`),
    digest('Data root', run.dataRoot),
    text(
      'Base model',
      `LLaMA type: ${counted(model.layers, 'layer')}, width ${model.hiddenSize}, vocabulary of ${counted(model.vocabSize, 'token')}`,
    ),
    digest('Base root', run.baseRoot),
    text('Adapter', `LoRA of rank ${lora.rank}, alpha ${lora.alpha}, on ${lora.targets.join(', ')}`),
    text('Optimiser', optimizerWords(run)),
    text('Losses', run.losses === 'exact' ? 'published for every step' : 'not published'),
    { term: 'Owner', value: run.owner, kind: 'address' },
    text('Proof system', `${run.protocol}, parameters ${run.parameters}`),
  ];
}

/** What no proof of this project states. */
export const NOT_STATED: readonly string[] = [
  'that the training data is good, licensed, or free of back doors',
  'that the base model is honest',
  'that no other training happened, before or beside this run',
  'that the adapter does not memorise its data',
  'that data or weights are kept secret: proofs are not yet zero-knowledge, so treat both as disclosed',
];
