import type { Problem } from '../../api/client.ts';
import { ProverError } from '../errors.ts';

/** What was given is no URL of a service. */
export class ServiceUrlError extends ProverError {
  constructor(url: string) {
    super(`"${url}" is no URL of a verification service`, 'Give one such as http://127.0.0.1:8787.');
  }
}

/** A key would cross a network in the clear. */
export class InsecureUrlError extends ProverError {
  constructor(url: string) {
    super(`${url} is not https: whoever is on the way would read the key`, 'Give the https URL of the service.');
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
  readonly problem: Problem;
  /** Seconds after which to try again, where the service says so. */
  readonly retryAfter: number | null;

  constructor(url: string, problem: Problem, retryAfter: number | null = null) {
    const { status, code, detail, check, evidence = {} } = problem;
    const facts = Object.entries(evidence).map(([name, value]) => `${name} ${value}`);
    const where = [...(check === null ? [] : [`check ${check}`]), ...facts].join(', ');
    super(`${url} refused with ${status} ${code}${where === '' ? '' : ` (${where})`}: ${detail}`, problem.next);
    this.url = url;
    this.problem = problem;
    this.retryAfter = retryAfter;
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

/** A job of the service did not come to a verdict. */
export class ServiceJobError extends ProverError {
  readonly url: string;

  constructor(url: string, reason: string) {
    super(
      `the service verifies the proof in a job, ${url}: ${reason}`,
      'Submit again later; what is verified stays so.',
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
