import { availableParallelism, freemem, totalmem } from 'node:os';

import { browserFinding } from './browser.ts';
import { driverFinding } from './driver.ts';
import { packagesFinding } from './packages.ts';
import { formatFindings, type Finding } from './report.ts';

const NODE_MAJOR = 24;
const GIB = 2 ** 30;
/** What proving one step of the demo may take, in bytes. */
const MEMORY_NEEDED = 4 * GIB;

function nodeFinding(): Finding {
  const { version } = process;
  const ok = Number(process.versions.node.split('.')[0]) >= NODE_MAJOR;
  const remedy = [`Start through ./zklora, or install Node.js ${NODE_MAJOR} or newer from https://nodejs.org`];
  return { subject: 'Node.js', ok, found: `${version} at ${process.execPath}`, remedy: ok ? [] : remedy };
}

function memoryFinding(): Finding {
  const total = totalmem();
  // A container's limit, where there is one; 0 where there is none.
  const limit = process.constrainedMemory();
  const usable = limit > 0 && limit < total ? limit : total;
  const ok = usable >= MEMORY_NEEDED;
  return {
    subject: 'memory',
    ok,
    found: `${(usable / GIB).toFixed(1)} GiB, ${availableParallelism()} cores`,
    remedy: ok ? [] : [`Proving needs about ${MEMORY_NEEDED / GIB} GiB; take a bigger machine or fewer rows a step.`],
    details: { usableBytes: usable, freeBytes: freemem(), cores: availableParallelism() },
  };
}

/** Looks at everything the project needs on this machine. */
export function examine(): Finding[] {
  return [nodeFinding(), packagesFinding(), driverFinding(), memoryFinding(), browserFinding()];
}

/**
 * Prints what the project needs and has on this machine, and for what is missing the command that mends it.
 * @returns the exit code: 0 when nothing is missing but what the tests alone need, else 1
 */
export function doctor(options: { json: boolean }): Promise<number> {
  const findings = examine();
  const ok = findings.every(({ ok, only }) => ok || only !== undefined);
  process.stdout.write(`${options.json ? JSON.stringify({ ok, findings }, null, 2) : formatFindings(findings)}\n`);
  return Promise.resolve(ok ? 0 : 1);
}
