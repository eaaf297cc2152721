import { inspect } from 'node:util';

/**
 * An error as a person should read it: what happened, then what to do next, with the stack when asked for.
 * Errors that name no next step are the program's own mistakes, so their stack is always shown.
 */
export function explain(error: unknown, options: { readonly verbose: boolean }): string {
  if (!(error instanceof Error)) return inspect(error);
  const next = 'next' in error && typeof error.next === 'string' ? error.next : undefined;
  if (options.verbose || next === undefined) return inspect(error);
  return `${error.message}\n${next}`;
}
