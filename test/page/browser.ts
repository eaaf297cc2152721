/** Chromium, and pages in it that are watched: they ask nobody but the service, and break no policy. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

import axe from 'axe-core';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject } from 'vitest';

import { browserFinding, findBrowser } from '../../prover/doctor/browser.ts';

export const fixture = inject('page');

let browser: Browser;

/** Opens the browser for a test file, and closes it. */
export function useBrowser(): void {
  beforeAll(async () => {
    const found = findBrowser();
    if (found === null) throw new Error(`no browser: ${browserFinding().remedy.join('; ')}`);
    // As root, its sandbox does not start.
    const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    browser = await chromium.launch({ executablePath: programPath(found.program), args });
  });
  afterAll(() => browser.close());
}

/** Playwright takes a path. */
function programPath(program: string): string {
  if (program.includes('/')) return program;
  const folders = (process.env['PATH'] ?? '').split(':');
  return folders.map((folder) => resolve(folder, program)).find((path) => existsSync(path)) ?? program;
}

export interface Watched {
  readonly page: Page;
  /** Every request: method and path, with the body of those that have one. */
  readonly requests: { readonly method: string; readonly path: string; readonly body: string | null }[];
}

export interface WatchOptions extends BrowserContextOptions {
  /** Statuses of pages that are not 200, of which the browser's console tells. */
  readonly expectFailures?: boolean;
}

/** Opens a page of the service, lets a test work with it, and asserts that it kept to the service and the policy. */
export async function onPage(
  path: string,
  work: (watched: Watched) => Promise<void>,
  { expectFailures = false, ...options }: WatchOptions = {},
): Promise<void> {
  const context = await browser.newContext({ viewport: { width: 1000, height: 900 }, ...options });
  try {
    const page = await context.newPage();
    const requests: Watched['requests'] = [];
    const foreign: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => {
      const { origin, pathname, search } = new URL(request.url());
      if (origin !== fixture.url) foreign.push(request.url());
      requests.push({ method: request.method(), path: pathname + search, body: request.postData() });
    });
    page.on('console', (message) => {
      if (expectFailures && message.text().startsWith('Failed to load resource')) return;
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective}`));
    });
    await page.goto(fixture.url + path);
    await work({ page, requests });
    expect(foreign).toEqual([]);
    expect(complaints).toEqual([]);
  } finally {
    await context.close();
  }
}

/**
 * Asserts that axe finds nothing, and that nothing is wider than the window.
 * @param rules of axe; all where absent
 */
export async function expectAccessible(page: Page, name: string, rules: readonly string[] = []): Promise<void> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe.source);
  const found = await page.evaluate(async (only) => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run({
      resultTypes: ['violations'],
      ...(only.length > 0 && { runOnly: [...only] }),
    });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
  }, rules);
  expect([name, found]).toEqual([name, []]);
  const [wide, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  expect(wide, `width of ${name}`).toBeLessThanOrEqual(window);
}

/** The outcome boxes' titles. */
export async function outcomesOf(page: Page): Promise<string[]> {
  return page.locator('.outcome h3').allTextContents();
}
