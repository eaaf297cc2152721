/** Starts the Web Worker that checks, and hears it. One worker a task: cancelling ends it, whatever it computes. */
import type { Event, Task } from './messages.ts';

const SCRIPT = '/assets/checker.js';

/** The content security policy lets no string become a script but through this. */
interface ScriptPolicy {
  createScriptURL(url: string): string;
}
interface TrustedTypes {
  createPolicy(name: string, rules: ScriptPolicy): ScriptPolicy;
}

const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
const rules: ScriptPolicy = {
  createScriptURL(url) {
    if (url !== SCRIPT) throw new TypeError('no other script is started');
    return url;
  },
};
const policy = trustedTypes?.createPolicy('zklora', rules) ?? rules;

export interface Running {
  /** Ends it at once; no event follows. */
  cancel(): void;
}

/**
 * Starts a task.
 * @param hear gets every event; the last is `end` or `failed`
 */
export function startTask(task: Task, hear: (event: Event) => void): Running {
  const worker = new Worker(policy.createScriptURL(SCRIPT), { type: 'module' });
  const finish = (event: Event): void => {
    worker.terminate();
    hear(event);
  };
  worker.addEventListener('message', ({ data }: MessageEvent<Event>) => {
    if (data.kind === 'end' || data.kind === 'failed') finish(data);
    else hear(data);
  });
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    const why = event.message === undefined ? '' : ` (${event.message})`;
    const text = `The checking code did not start or broke off${why}. It needs a current browser; ./zklora verify does the same.`;
    finish({ kind: 'failed', text });
  });
  worker.postMessage(task);
  return { cancel: () => worker.terminate() };
}
