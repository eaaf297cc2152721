import { Option, type Command } from 'commander';

import type { RunSettings } from '../train/run-config.ts';

interface TrainOptions extends Record<string, unknown> {
  readonly model?: string;
  readonly data?: string;
  readonly config?: string;
  readonly out?: string;
  readonly resume?: string;
  readonly initialAdapter?: string;
  readonly engine: 'gpu' | 'cpu';
}

/** Settings that take a whole number. */
const NUMBERS: readonly [name: string, about: string][] = [
  ['steps', 'steps of the whole run'],
  ['batch', 'rows a step, a power of two'],
  ['seq-len', 'labels a row, a power of two'],
  ['rank', 'rank of the adapter'],
  ['alpha', 'scale of the adapter: alpha/rank'],
  ['warmup', 'steps over which the learning rate rises from 0'],
  ['eval-rows', 'rows held out of the training data'],
  ['eval-every', 'steps between evaluations on the held-out rows; 0: before and after alone'],
  ['checkpoint-every', 'steps between checkpoints'],
];

/** Settings that are given as text. */
const TEXTS: readonly [name: string, about: string, choices?: readonly string[]][] = [
  ['optimizer', 'the optimiser', ['sgd', 'adamw']],
  ['lr', 'learning rate'],
  ['momentum', 'of SGD'],
  ['beta1', 'of AdamW'],
  ['beta2', 'of AdamW'],
  ['eps', 'of AdamW'],
  ['weight-decay', 'of AdamW, decoupled'],
  ['schedule', 'of the learning rate', ['constant', 'linear', 'cosine']],
  ['loss-on', 'which labels count', ['completion', 'all']],
  ['losses', 'whether proofs publish each step’s loss', ['exact', 'hidden']],
  ['parameters', 'parameter set of the proofs'],
  ['owner', 'Ethereum address of the run’s owner'],
  ['seed', 'text that makes the run repeatable; a random nonce without it'],
];

const camel = (name: string): string => name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

/** `./zklora train` */
export function register(program: Command): void {
  const command = program
    .command('train')
    .description('fine-tune a LoRA adapter in integers, so that every step can be proven')
    .option('--model <dir>', 'base model: a Hugging Face LLaMA directory')
    .option('--data <file>', 'JSONL of {"text"} or {"prompt", "completion"}')
    .option(
      '--config <file>',
      'JSON of the settings below in camelCase, and of scales and widths; options go before it',
    )
    .option('--out <dir>', 'folder of the new run (default: runs/<date>-<time>)')
    .option('--resume <run>', 'go on with a run that was interrupted')
    .option('--initial-adapter <dir>', 'PEFT directory to start from; such a run cannot be proven')
    .addOption(new Option('--engine <engine>', 'what computes').choices(['gpu', 'cpu']).default('gpu'))
    .option('--targets <names>', 'adapted projections, with commas', (value: string) => value.split(','));
  for (const [name, about] of NUMBERS) command.option(`--${name} <number>`, about, Number);
  for (const [name, about, choices] of TEXTS) {
    const option = new Option(`--${name} <${choices === undefined ? 'value' : choices.join('|')}>`, about);
    command.addOption(choices === undefined ? option : option.choices(choices));
  }
  command.action(async (options: TrainOptions) => {
    const { trainCommand } = await import('../train/train-command.ts');
    const names = ['targets', ...[...NUMBERS, ...TEXTS].map(([name]) => camel(name))];
    const given = names.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]);
    const { model, data, config, out, resume, initialAdapter, engine } = options;
    const settings = Object.fromEntries(given) as RunSettings;
    process.exitCode = await trainCommand({ model, data, config, out, resume, initialAdapter, engine, settings });
  });
}
