/** Requests of operators and of holders of API keys. Keys come from the environment alone: everybody sees arguments. */
import type { Input, JsonRouteName, Output } from '../../api/client.ts';
import { ProverError } from '../errors.ts';
import { askService as askWith } from '../service/request.ts';

export const OPERATOR_VARIABLE = 'ZKLORA_OPERATOR_KEY';
export const KEY_VARIABLE = 'ZKLORA_API_KEY';

const WHAT = {
  [OPERATOR_VARIABLE]: 'the OPERATOR_KEY of the worker',
  [KEY_VARIABLE]: 'an API key of the service; its operator creates one: ./zklora operate keys create NAME --to URL',
} as const;

/** The environment has no key. */
export class NoKeyError extends ProverError {
  readonly variable: keyof typeof WHAT;

  constructor(variable: keyof typeof WHAT) {
    super(`the environment variable ${variable} is not set`, `Set it to ${WHAT[variable]}.`);
    this.variable = variable;
  }
}

/**
 * Asks a service with the key of an environment variable, or without one.
 * @param to URL of the service
 * @param variable null: no key is sent
 * @throws NoKeyError, InsecureUrlError, ServiceUrlError, ServiceUnreachableError, ServiceRefusalError,
 *   ServiceAnswerError
 */
export async function askService<N extends JsonRouteName>(
  to: string,
  name: N,
  input: Input<N>,
  variable: keyof typeof WHAT | null,
  patience?: number,
): Promise<Output<N>> {
  const key = variable === null ? undefined : process.env[variable];
  if (variable !== null && (key === undefined || key === '')) throw new NoKeyError(variable);
  return askWith(to, name, input, { key, ...(patience !== undefined && { patience }) });
}

/** Asks as the operator. @throws as `askService` */
export const askAsOperator = <N extends JsonRouteName>(to: string, name: N, input: Input<N>, patience?: number) =>
  askService(to, name, input, OPERATOR_VARIABLE, patience);

/** Asks as the holder of an API key. @throws as `askService` */
export const askAsHolder = <N extends JsonRouteName>(to: string, name: N, input: Input<N>) =>
  askService(to, name, input, KEY_VARIABLE);
