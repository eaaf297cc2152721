/** Requests of operators and of holders of API keys. Keys come from the environment alone: everybody sees arguments. */
import {
  AnswerError,
  ask,
  ClientUrlError,
  NoAnswerError,
  RefusalError,
  type Input,
  type JsonRouteName,
  type Output,
} from '../../api/client.ts';
import { ProverError } from '../errors.ts';
import {
  ServiceAnswerError,
  ServiceRefusalError,
  ServiceUnreachableError,
  ServiceUrlError,
} from '../service/errors.ts';

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

/** A key would cross a network in the clear. */
export class InsecureUrlError extends ProverError {
  constructor(url: string) {
    super(`${url} is not https: whoever is on the way would read the key`, 'Give the https URL of the service.');
  }
}

/** Names of this very machine. */
const LOCAL = ['127.0.0.1', 'localhost', '[::1]'];

function requireSecure(url: string): void {
  const parsed = URL.parse(url);
  if (parsed?.protocol === 'http:' && !LOCAL.includes(parsed.hostname)) throw new InsecureUrlError(parsed.origin);
}

/** What `fetch` says of a failure. */
function reasonOf({ cause }: NoAnswerError): string {
  if (!(cause instanceof Error)) return 'no answer';
  return cause.cause instanceof Error ? cause.cause.message : cause.message;
}

function translated(error: unknown, to: string): unknown {
  if (error instanceof RefusalError) return new ServiceRefusalError(error.url, error.problem);
  if (error instanceof NoAnswerError) return new ServiceUnreachableError(error.url, reasonOf(error), { cause: error });
  if (error instanceof AnswerError) return new ServiceAnswerError(error.url, error.reason, { cause: error });
  if (error instanceof ClientUrlError) return new ServiceUrlError(to);
  return error;
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
  if (variable !== null) {
    if (key === undefined || key === '') throw new NoKeyError(variable);
    requireSecure(to);
  }
  try {
    return await ask(to, name, input, { key, ...(patience !== undefined && { patience }) });
  } catch (error) {
    throw translated(error, to);
  }
}

/** Asks as the operator. @throws as `askService` */
export const askAsOperator = <N extends JsonRouteName>(to: string, name: N, input: Input<N>, patience?: number) =>
  askService(to, name, input, OPERATOR_VARIABLE, patience);

/** Asks as the holder of an API key. @throws as `askService` */
export const askAsHolder = <N extends JsonRouteName>(to: string, name: N, input: Input<N>) =>
  askService(to, name, input, KEY_VARIABLE);
