import { inspect } from 'node:util';

import { printable } from '../api/printable.ts';
import { CommitmentError } from '../commitment/errors.ts';
import { ProtocolError } from '../protocol/errors.ts';
import { ProverError } from './errors.ts';

/** What a person should read of an error, or undefined where only the stack tells. */
function told(error: unknown): string | undefined {
  if (error instanceof ProverError || error instanceof CommitmentError) return `${error.message}\n${error.next}`;
  if (error instanceof ProtocolError) return `${error.message} [${error.code}]`;
  // The file system's errors name the call and the path in their message.
  if (error instanceof Error && 'syscall' in error && 'path' in error) return error.message;
  return undefined;
}

/**
 * An error as a person should read it: what happened, then what to do next. The stack is shown when asked for, and for
 * errors that are none of the project's own, since those are the program's mistakes. Texts of services and files in it
 * are no commands to the terminal.
 */
export function explain(error: unknown, options: { readonly verbose: boolean }): string {
  return printable(options.verbose ? inspect(error) : (told(error) ?? inspect(error)));
}
