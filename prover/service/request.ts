/** One request to a service; what goes wrong comes back in the words of the command line. */
import { z } from 'zod';

import {
  AnswerError,
  ask,
  askBytes,
  ClientUrlError,
  NoAnswerError,
  RefusalError,
  type ClientOptions,
  type Input,
  type JsonRouteName,
  type Output,
} from '../../api/client.ts';
import {
  InsecureUrlError,
  ServiceAnswerError,
  ServiceRefusalError,
  ServiceUnreachableError,
  ServiceUrlError,
} from './errors.ts';

/** Names of this very machine. */
const LOCAL = ['127.0.0.1', 'localhost', '[::1]'];

/** Why no answer came, in words. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'it takes too long';
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'the connection is refused',
    ECONNRESET: 'it closed the connection',
    ENOTFOUND: 'there is no such host',
    UND_ERR_SOCKET: 'it closed the connection',
  };
  return known[code] ?? (cause.message || code || error.message);
}

function worded(error: unknown, base: string): unknown {
  const options = { cause: error };
  if (error instanceof ClientUrlError) return new ServiceUrlError(base);
  if (error instanceof RefusalError) return new ServiceRefusalError(error.url, error.problem, error.retryAfter);
  if (error instanceof NoAnswerError) return new ServiceUnreachableError(error.url, reasonOf(error.cause), options);
  if (error instanceof AnswerError) return new ServiceAnswerError(error.url, error.reason, options);
  return error;
}

/** A key does not cross a network in the clear. @throws InsecureUrlError */
function requireSecure(base: string, { key }: ClientOptions): void {
  const url = URL.parse(base);
  if (key !== undefined && url?.protocol === 'http:' && !LOCAL.includes(url.hostname))
    throw new InsecureUrlError(url.origin);
}

/**
 * Asks a route that answers in JSON.
 * @param base URL of the service
 * @throws ServiceUrlError, InsecureUrlError, ServiceUnreachableError, ServiceRefusalError, ServiceAnswerError
 */
export async function askService<N extends JsonRouteName>(
  base: string,
  name: N,
  input: Input<N>,
  options: ClientOptions = {},
): Promise<Output<N>> {
  requireSecure(base, options);
  try {
    return await ask(base, name, input, options);
  } catch (error) {
    throw worded(error, base);
  }
}

/** As `askService`, and null where the service has no such thing. */
export async function findService<N extends JsonRouteName>(
  base: string,
  name: N,
  input: Input<N>,
): Promise<Output<N> | null> {
  try {
    return await askService(base, name, input);
  } catch (error) {
    if (error instanceof ServiceRefusalError && error.problem.code === 'NOT_FOUND') return null;
    throw error;
  }
}

/** The bytes that a service hands out as a proof, or null. @throws as `askService` */
export async function findBytes(base: string, digest: string): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    return await askBytes(base, { params: { sha256: digest } });
  } catch (error) {
    throw worded(error, base);
  }
}

/** An answer checked beyond its shape. @param url for the message. @throws ServiceAnswerError */
export function checked<T>(url: string, schema: z.ZodType<T>, answer: unknown): T {
  const { data, error } = schema.safeParse(answer);
  if (error !== undefined) throw new ServiceAnswerError(url, z.prettifyError(error), { cause: error });
  return data;
}
