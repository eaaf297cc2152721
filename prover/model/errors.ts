/** What can be wrong with a model or a data set that a person gave us; commitment/errors.ts has what concerns files of tensors. */
import { ProverError } from '../errors.ts';

/** The model's config.json or tokenizer cannot be read. */
export class ModelFileError extends ProverError {
  readonly file: string;
  readonly problem: string;

  constructor(
    file: string,
    problem: string,
    next = 'Give a complete Hugging Face directory: config.json, tokenizer.json, safetensors weights.',
  ) {
    super(`${file}: ${problem}`, next);
    this.file = file;
    this.problem = problem;
  }
}

/** The model uses something that the proven program does not have. */
export class UnsupportedModelError extends ProverError {
  readonly file: string;
  readonly feature: string;
  readonly value: unknown;

  /**
   * @param file path of the config
   * @param feature the setting's name, as in the file
   * @param value what it is set to
   * @param supported what it may be
   */
  constructor(file: string, feature: string, value: unknown, supported: string) {
    super(
      `${file}: ${feature} = ${JSON.stringify(value)} is not supported; ${supported}`,
      'Choose a plain LLaMA model (LlamaForCausalLM without biases, quantisation or scaled rotary embedding).',
    );
    this.file = file;
    this.feature = feature;
    this.value = value;
  }
}

/** A line of the data set cannot be used, or all of it is too short. */
export class DatasetError extends ProverError {
  readonly file: string;
  /** Line number from 1, or undefined where the whole file is meant. */
  readonly line: number | undefined;
  readonly problem: string;

  constructor(file: string, line: number | undefined, problem: string, next: string) {
    super(line === undefined ? `${file}: ${problem}` : `${file}:${line}: ${problem}`, next);
    this.file = file;
    this.line = line;
    this.problem = problem;
  }
}

/** A weight does not fit the integers that the proven program declares for it. */
export class QuantisationError extends ProverError {
  readonly tensor: string;
  readonly index: number;
  readonly value: number;
  readonly limit: number;

  /**
   * @param tensor name
   * @param index flat position in the tensor
   * @param value the integer (or NaN, or an infinity) that it would be
   * @param limit |value| must be below it
   */
  constructor(tensor: string, index: number, value: number, limit: number) {
    super(
      `${tensor}[${index}] is ${value} as an integer, which must stay below ${limit} in size`,
      'Use a model with weights of the usual size; this one cannot be proven with the present weight range.',
    );
    this.tensor = tensor;
    this.index = index;
    this.value = value;
    this.limit = limit;
  }
}
