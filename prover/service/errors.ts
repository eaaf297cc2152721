import { ProverError } from '../errors.ts';

/** A problem of RFC 9457 as the service tells it. */
export interface ServiceProblem {
  readonly status: number;
  /** Stable, in capitals with underscores. */
  readonly code: string;
  readonly detail: string;
  /** The check that refused, where one did. */
  readonly check: string | null;
  readonly next: string;
  readonly evidence?: Readonly<Record<string, string | number>> | undefined;
}

/** What was given is no URL of a service. */
export class ServiceUrlError extends ProverError {
  constructor(url: string) {
    super(`"${url}" is no URL of a verification service`, 'Give one such as http://127.0.0.1:8787.');
  }
}

/** Nothing answers at the URL, or not in time. */
export class ServiceUnreachableError extends ProverError {
  readonly url: string;

  constructor(url: string, reason: string, options?: ErrorOptions) {
    super(
      `no service answers at ${url}: ${reason}`,
      'Check the URL and that the service runs, then try again.',
      options,
    );
    this.url = url;
  }
}

/** The service refused the request and said why. */
export class ServiceRefusalError extends ProverError {
  readonly url: string;
  readonly problem: ServiceProblem;

  constructor(url: string, problem: ServiceProblem) {
    const { status, code, detail, check, evidence = {} } = problem;
    const facts = Object.entries(evidence).map(([name, value]) => `${name} ${value}`);
    const where = [...(check === null ? [] : [`check ${check}`]), ...facts].join(', ');
    super(`${url} refused with ${status} ${code}${where === '' ? '' : ` (${where})`}: ${detail}`, problem.next);
    this.url = url;
    this.problem = problem;
  }
}

/** What answers is no service of this kind, or one of another version. */
export class ServiceAnswerError extends ProverError {
  readonly url: string;

  constructor(url: string, reason: string, options?: ErrorOptions) {
    super(
      `${url} gave an answer that is not understood: ${reason}`,
      'Check that the URL is that of a zkLoRA service, of the same version as this program.',
      options,
    );
    this.url = url;
  }
}

/** The local worker ended, or didn't answer, before it was ready. */
export class LocalWorkerError extends ProverError {
  /** The last lines it printed. */
  readonly output: string;

  constructor(what: string, output: string) {
    super(`${what}${output === '' ? '' : `:\n${output}`}`, 'Check the installation with ./zklora doctor.');
    this.output = output;
  }
}
