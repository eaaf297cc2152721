/** The button that verifies everything again in the reader's browser. */
import { Board } from './board.ts';
import { startTask, type Running } from './checking.ts';
import { required } from './element.ts';
import type { Task } from './messages.ts';

function taskOf({ kind, id = '', adapter = '' }: DOMStringMap): Task {
  const base = location.origin;
  if (kind === 'proof') return { kind, base, proofDigest: id };
  return { kind: 'run', base, runId: id, adapterRoot: adapter === '' ? null : adapter };
}

/** Brings the section to life. */
export function enableAgain(section: HTMLElement): void {
  const button = required<HTMLButtonElement>(section, 'button');
  const output = required<HTMLElement>(section, '.output');
  const name = button.textContent;
  let running: Running | null = null;
  let board: Board;

  const stop = (text: string): void => {
    running = null;
    button.textContent = name;
    board.say(text);
  };
  button.addEventListener('click', () => {
    if (running !== null) {
      running.cancel();
      return stop('Cancelled. Nothing was decided.');
    }
    board = new Board(output, Number(section.dataset.proofs));
    board.say('Asking the service which proofs there are');
    button.textContent = 'Cancel';
    running = startTask(taskOf(section.dataset), (event) => {
      board.hear(event);
      if (event.kind === 'end' || event.kind === 'failed') stop(board.conclusion());
    });
  });
  button.disabled = false;
}
