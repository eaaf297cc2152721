/** The Web Worker that checks: one task, its events, then the end. Ended from outside when the reader cancels. */
import './checker/no-eval.ts';

import { checkFiles } from './checker/files-task.ts';
import { checkProof } from './checker/proof-task.ts';
import { failureWords } from './checker/refusals.ts';
import { checkRun } from './checker/run-task.ts';
import { sendOffered } from './checker/send-task.ts';
import type { Send } from './checker/sender.ts';
import type { Event, Task } from './messages.ts';

const send: Send = (event: Event) => self.postMessage(event);

function perform(task: Task): Promise<void> {
  switch (task.kind) {
    case 'run':
      return checkRun(task, send);
    case 'proof':
      return checkProof(task, send);
    case 'files':
      return checkFiles(task, send);
    case 'send':
      return sendOffered(task, send);
  }
}

self.addEventListener('message', (message: MessageEvent<Task>) => {
  perform(message.data).then(
    () => send({ kind: 'end' }),
    (error: unknown) => send({ kind: 'failed', text: failureWords(error) }),
  );
});
