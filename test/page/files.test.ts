/** Files that readers check themselves: proofs, adapters, folders, and everything that is wrong with them. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';

import { expectAccessible, fixture, onPage, outcomesOf, useBrowser, type Watched } from './browser.ts';

useBrowser();

const { adapter, adapterRoot, proofs, other, run, scratch } = fixture;
const weights = join(adapter, 'adapter_model.safetensors');
const claim = join(adapter, 'zklora.json');
const at = (name: string): string => join(scratch, name);

const PROVEN = 'This file is a proven adapter';
const WRONG = 'Something about this adapter is wrong';

async function finished(page: Page): Promise<string[]> {
  await page.locator('#files').getByText(/^Done/).waitFor();
  return outcomesOf(page);
}

/** Chooses files and waits for what they come to. */
async function choose(page: Page, ...files: string[]): Promise<string[]> {
  await page.locator('#choose-files:enabled').setInputFiles(files);
  return finished(page);
}

const states = (page: Page): Promise<string[]> => page.locator('#files .job-state').allTextContents();
const checks = async (page: Page): Promise<string> =>
  (await page.locator('#files .checks li').allTextContents()).join(' ');

/** What left the browser: nothing but digests. */
function expectNothingSent(requests: Watched['requests']): void {
  const sent = requests.filter(({ method }) => method !== 'GET');
  for (const { path, body } of sent) {
    expect(path).toBe('/adapters/lookup');
    expect(body).toMatch(/^\{"ids":\["[0-9a-f]{64}"(,"[0-9a-f]{64}")*\]\}$/);
  }
}

async function changed(name: string, source: string, change: (bytes: Buffer) => Buffer | void): Promise<string> {
  const bytes = await readFile(source);
  const made = change(bytes) ?? bytes;
  await mkdir(join(at(name), '..'), { recursive: true });
  await writeFile(at(name), made);
  return at(name);
}

describe('proofs', () => {
  test('of a whole run, verified on this machine, nothing sent', async () => {
    await onPage('/', async ({ page, requests }) => {
      expect(await choose(page, ...proofs)).toEqual(['A whole training run, proven on your machine']);
      expect(await page.locator('#files .outcome').textContent()).toContain(adapterRoot);
      expect(requests.filter(({ method }) => method !== 'GET')).toEqual([]);
      await page.getByText('What it says').first().click();
      expect(await page.locator('#files .facts').first().textContent()).toContain('LoRA of rank 2, alpha 4, on v_proj');
    });
  });

  test('a changed byte is refused, and keeps none of the others from being checked', async () => {
    const { length } = await readFile(proofs[0]);
    const places = [3, 20, 5000, length >> 1, length - 1];
    const flip = (place: number) => (bytes: Buffer) => void (bytes[place] ^= 1);
    const files = await Promise.all(places.map((place) => changed(`byte${place}.zklora`, proofs[0], flip(place))));
    await onPage('/', async ({ page }) => {
      expect(await choose(page, ...files, proofs[1])).toEqual(['A part of a training run']);
      const told = await states(page);
      for (const each of told.slice(0, -1))
        expect(each).toMatch(/no zkLoRA proof|damaged|does not prove|refused|other weights/);
      expect(told.at(-1)).toContain('Holds: it proves step 1');
      await page.locator('#files .job .bad').first().waitFor();
    });
  });

  test('is submitted only where the reader asks', async () => {
    await onPage('/', async ({ page, requests }) => {
      expect(await choose(page, other)).toEqual(['A part of a training run']);
      expect(requests.some(({ path }) => path === '/verify')).toBe(false);
      const submit = page.getByRole('button', { name: 'Submit this proof to the service' });
      await submit.click();
      await page.getByRole('heading', { name: 'The service accepted the proof' }).waitFor();
      await submit.click();
      await page.getByRole('heading', { name: 'The service had this proof already' }).waitFor();
      await page.getByRole('link', { name: 'What the service says about it' }).click();
      await page.getByRole('heading', { name: 'This proof holds' }).waitFor();
      await page.getByRole('link', { name: 'The run that it belongs to' }).click();
      await page.getByRole('heading', { name: 'This training run is not complete' }).waitFor();
    });
  });
});

describe('an adapter', () => {
  test('with its zklora.json: recomputed here and looked up; only digests are sent', async () => {
    await onPage('/', async ({ page, requests }) => {
      expect(await choose(page, weights, claim)).toEqual([PROVEN]);
      const told = await checks(page);
      expect(told).toContain(`Computed from the weights on this machine: adapter root ${adapterRoot}`);
      expect(told).toContain('Its zklora.json names this adapter and this run.');
      expect(told).toContain('This service verified the whole run.');
      expectNothingSent(requests);
      await page.getByRole('link', { name: 'The evidence' }).click();
      await page.getByRole('heading', { name: 'This adapter came out of the declared training run' }).waitFor();
    });
  });

  test('with its proofs: proven without asking anybody to be believed', async () => {
    await onPage('/', async ({ page, requests }) => {
      expect(await choose(page, weights, ...proofs)).toEqual(['A whole training run, proven on your machine', PROVEN]);
      expect(await checks(page)).toContain('The dropped proofs end at it: all 2 steps, verified on this machine.');
      expectNothingSent(requests);
    });
  });

  test('alone, before and after the reader sent the file to the service', async () => {
    await onPage('/', async ({ page }) => {
      expect(await choose(page, weights)).toEqual(['Nothing is known about this file']);
      expect(await choose(page, weights, claim)).toEqual([PROVEN]);
      await page.getByRole('button', { name: 'Send this file to the service' }).click();
      await page.getByRole('heading', { name: 'The service knows this file now' }).waitFor();
      await page.getByRole('button', { name: 'Clear' }).click();
      expect(await choose(page, weights)).toEqual([PROVEN]);
      expect(await page.getByRole('button', { name: 'Send this file' }).count()).toBe(0);
    });
  });

  test('of which one weight is changed', async () => {
    const last = (bytes: Buffer): number => bytes.length - 4;
    const file = await changed('changed/adapter_model.safetensors', weights, (bytes) => {
      bytes.writeFloatLE(bytes.readFloatLE(last(bytes)) + 2 ** -22, last(bytes));
    });
    await cp(claim, at('changed/zklora.json'));
    await onPage('/', async ({ page }) => {
      expect(await choose(page, file, at('changed/zklora.json'))).toEqual([WRONG]);
      expect(await checks(page)).toContain('names another adapter: these are not those weights');
    });
  });

  test('with weights that no training in whole numbers gives', async () => {
    const file = await changed('float/adapter_model.safetensors', weights, (bytes) => {
      bytes.writeFloatLE(0.1, bytes.length - 4);
    });
    await onPage('/', async ({ page }) => {
      expect(await choose(page, file, claim)).toEqual(['This file is not the adapter of that run']);
    });
  });

  test('with the zklora.json of a run that only looks like its own', async () => {
    const { runId: idOf } = await import('../../protocol/statement.ts');
    const { toHex } = await import('../../protocol/bytes.ts');
    const file = await changed('lying/zklora.json', claim, (bytes) => {
      const lie = JSON.parse(bytes.toString('utf8')) as { run: { nonce: string; dataRows: number }; runId: string };
      lie.run.nonce = '77'.repeat(32);
      lie.run.dataRows = 1_000_000;
      lie.runId = toHex(idOf(lie.run as never));
      return Buffer.from(JSON.stringify(lie));
    });
    await cp(weights, at('lying/adapter_model.safetensors'));
    await onPage('/', async ({ page }) => {
      expect(await choose(page, at('lying/adapter_model.safetensors'), file)).toEqual([WRONG]);
      expect(await checks(page)).toContain('but the run that is shown to end at these weights is');
      expect(await page.locator('#files').textContent()).not.toContain('1,000,000');
    });
  });
});

describe('other files', () => {
  test('get clear words', async () => {
    await mkdir(at('odd'), { recursive: true });
    const odd = Object.entries({
      'empty.zklora': '',
      'model.bin': 'PK pickle',
      'notes.txt': 'hello, this is no proof',
      'base.safetensors': '\x02\0\0\0\0\0\0\0{}',
      'broken.safetensors': '\x10\0\0\0\0\0\0\0{not a header}..',
      'zklora.json': '{"format": 2}',
      '<img src=x onerror=alert(1)>.zklora': 'text that is no proof',
    });
    const files = await Promise.all(
      odd.map(async ([name, content]) => {
        await writeFile(at(`odd/${name}`), content);
        return at(`odd/${name}`);
      }),
    );
    await onPage('/', async ({ page, requests }) => {
      expect(await choose(page, ...files)).toEqual([]);
      const [empty, pickle, text, base, broken, json, named] = await states(page);
      expect(base).toContain('This is no LoRA adapter');
      expect(empty).toBe('This file is empty.');
      expect(pickle).toContain('Only safetensors files can be checked');
      expect(text).toContain('neither a proof nor an adapter');
      expect(broken).toContain('Download or save the file again');
      expect(json).toContain('lacks what a zklora.json has: format');
      expect(named).toBe('This is no zkLoRA proof.');
      expect(await page.locator('.job-name').last().textContent()).toContain('<img src=x');
      expect(requests.filter(({ method }) => method !== 'GET')).toEqual([]);
      expect(await page.locator('#files .job img').count()).toBe(0);
    });
  });

  test('a service that does not answer leaves what can be said without it', async () => {
    await onPage(
      '/',
      async ({ page }) => {
        await page.route('**/adapters/**', (route) => route.abort());
        expect(await choose(page, weights, claim)).toEqual(['This adapter is not proven']);
        expect(await checks(page)).toContain('The service could not be asked.');
        expect(await choose(page, weights, ...proofs)).toContain(PROVEN);
      },
      { expectFailures: true },
    );
  });
});

describe('ways to hand files over', () => {
  test('a whole run folder, by the folder button', async () => {
    await onPage('/', async ({ page, requests }) => {
      await page.locator('#choose-folder:enabled').setInputFiles(run);
      const told = await finished(page);
      expect(told).toEqual(['A whole training run, proven on your machine', PROVEN]);
      const names = await page.locator('.job-name').allTextContents();
      expect(names.some((name) => name.includes('adapter/adapter_model.safetensors'))).toBe(true);
      // Checkpoints and logs are passed over.
      expect(names.length).toBe(4);
      expectNothingSent(requests);
    });
  });

  test('dropped anywhere on the page', async () => {
    const base64 = (await readFile(other)).toString('base64');
    await onPage(`/?q=${adapterRoot}`, async ({ page }) => {
      await page.locator('#choose-files:enabled').waitFor();
      const data = await page.evaluateHandle((content) => {
        const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
        const transfer = new DataTransfer();
        transfer.items.add(new File([bytes], 'dropped.zklora'));
        return transfer;
      }, base64);
      await page.dispatchEvent('h1', 'dragover', { dataTransfer: data });
      expect(await page.locator('#files').getAttribute('class')).toContain('dropping');
      await page.dispatchEvent('h1', 'drop', { dataTransfer: data });
      expect(await finished(page)).toEqual(['A part of a training run']);
      expect(await page.locator('#files').getAttribute('class')).not.toContain('dropping');
    });
  });

  test('by keyboard; cancelled, cleared; accessible at every width', async () => {
    await onPage(
      '/',
      async ({ page }) => {
        const chooser = page.waitForEvent('filechooser');
        // The browser hears of the listener before it hears of the key.
        await page.locator('#choose-files:enabled').focus();
        await page.evaluate(() => document.activeElement?.id);
        await page.keyboard.press('Enter');
        await (await chooser).setFiles([...proofs, weights, claim]);
        await finished(page);
        await expectAccessible(page, 'after checking files');
        const hold = page.getByRole('button', { name: 'Clear' });
        await hold.focus();
        await page.keyboard.press('Enter');
        expect(await page.locator('#files .output').textContent()).toBe('');
        expect(await page.evaluate(() => document.activeElement?.id)).toBe('choose-files');
        await page.route('**/adapters/**', () => undefined);
        await page.locator('#choose-files').setInputFiles([weights]);
        await page.getByRole('button', { name: 'Cancel' }).press('Enter');
        expect(await page.locator('#files [role=status]').textContent()).toBe('Cancelled.');
      },
      { viewport: { width: 320, height: 640 }, bypassCSP: true },
    );
  });
});
