/** What the page does beyond showing: verifying again, checking files, copying. Without it, look-ups work all the same. */
import { enableAgain } from './again.ts';
import { enableFiles } from './files.ts';

const again = document.getElementById('again');
if (again !== null) enableAgain(again);
const files = document.getElementById('files');
if (files !== null) enableFiles(files);

for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-copy]')) {
  const source = document.getElementById(button.dataset.copy ?? '');
  button.addEventListener('click', () => {
    navigator.clipboard.writeText(source?.textContent ?? '').then(
      () => (button.textContent = 'Copied'),
      () => (button.textContent = 'Select and copy it'),
    );
  });
  button.disabled = false;
}
