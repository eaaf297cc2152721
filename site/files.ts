/** The section in which readers check their own files. */
import { Board } from './board.ts';
import { startTask, type Running } from './checking.ts';
import { element, required } from './element.ts';
import type { Offer, PickedFile } from './messages.ts';
import { chosenFiles, droppedFiles } from './picking.ts';

const OFFERS: Readonly<Record<Offer['kind'], string>> = {
  proof: 'Submit this proof to the service',
  file: 'Send this file to the service, so that others find it by its SHA-256',
};

/** A button that sends a file to the service, and what came of it. */
function sendControl(file: File, offer: Offer): HTMLElement {
  const button = element('button', { type: 'button' }, OFFERS[offer.kind]);
  const output = element('div', { class: 'output' });
  button.addEventListener('click', () => {
    // Disabled, it would lose the focus of the keyboard.
    if (button.getAttribute('aria-disabled') === 'true') return;
    button.setAttribute('aria-disabled', 'true');
    const board = new Board(output, 0);
    board.say('Sending; the service checks it itself');
    startTask({ kind: 'send', base: location.origin, file, offer }, (event) => {
      board.hear(event);
      if (event.kind !== 'end' && event.kind !== 'failed') return;
      board.say(board.conclusion());
      button.removeAttribute('aria-disabled');
    });
  });
  return element('div', {}, button, output);
}

/** Brings the section to life; files may be dropped anywhere on the page. */
export function enableFiles(section: HTMLElement): void {
  const output = required<HTMLElement>(section, '.output');
  const inputs = [...section.querySelectorAll('input')];
  let running: Running | null = null;

  const check = (files: readonly PickedFile[]): void => {
    running?.cancel();
    if (files.length === 0) return;
    const place = element('div', {});
    const cancel = element('button', { type: 'button' }, 'Cancel');
    output.replaceChildren(cancel, place);
    const board = new Board(place, Math.min(files.length, 50));
    board.say('Looking at the files');
    const paths: string[] = [];
    const stop = (text: string): void => {
      running = null;
      cancel.textContent = 'Clear';
      board.say(text);
    };
    cancel.addEventListener('click', () => {
      if (running === null) {
        output.replaceChildren();
        inputs[0].focus();
        return;
      }
      running.cancel();
      stop('Cancelled.');
    });
    running = startTask({ kind: 'files', base: location.origin, files }, (event) => {
      const line = board.hear(event);
      if (event.kind === 'jobs') paths.push(...event.jobs.map((job) => job.name));
      if (event.kind === 'done' && event.offer !== null && line !== null) {
        const picked = files.find(({ path }) => path === paths[event.job]);
        if (picked !== undefined) line.offer(sendControl(picked.file, event.offer));
      }
      if (event.kind === 'end' || event.kind === 'failed') stop(board.conclusion());
    });
  };

  for (const input of inputs) {
    input.addEventListener('change', () => {
      check(chosenFiles(input));
      // The same file may be chosen again.
      input.value = '';
    });
    input.disabled = false;
  }
  const carriesFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;
  addEventListener('dragover', (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    section.classList.add('dropping');
  });
  addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) section.classList.remove('dropping');
  });
  addEventListener('drop', (event) => {
    if (!carriesFiles(event) || event.dataTransfer === null) return;
    event.preventDefault();
    section.classList.remove('dropping');
    section.scrollIntoView({ block: 'start' });
    void droppedFiles(event.dataTransfer).then(check, () => check([]));
  });
}
