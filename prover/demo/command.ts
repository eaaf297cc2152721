/** `./zklora demo`. */
import { Stage } from './stage.ts';
import { demo } from './demo.ts';
import { Teller } from './tell.ts';

export interface DemoRequest {
  readonly steps: number;
  readonly keep: boolean;
  readonly json: boolean;
}

/** What a reader may do with a run that is kept. */
function keptText(folder: string): string {
  const commands = [
    `./zklora inspect ${folder}/run/proofs/segment-00000000-1.zklora`,
    `./zklora verify ${folder}/run/proofs/*.zklora`,
    `./zklora check ${folder}/run/adapter`,
    `./zklora submit ${folder}/run --to http://localhost:8787    # a worker of your own: docs/deploy.md, "On one machine"`,
  ];
  return `Everything is kept in ${folder}; look closer with\n  ${commands.join('\n  ')}`;
}

/** Shows the whole way. Everything that it starts ends with it. @returns the exit status: 0, or 130 after Ctrl-C */
export async function demoCommand({ steps, keep, json }: DemoRequest): Promise<number> {
  const stage = await Stage.open(keep);
  const teller = new Teller();
  let status: number | null = null;
  const interrupt = (signal: NodeJS.Signals): void => {
    // The second Ctrl-C does not wait; what was started ends with this process anyway.
    if (status !== null) process.exit(status);
    status = signal === 'SIGINT' ? 130 : 143;
    process.stderr.write('\nStopping …\n');
    void stage.end().finally(() => process.exit(status));
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    const summary = await demo(stage, teller, steps);
    await stage.end();
    const { seconds, phases } = teller;
    const shares = phases.map((p) => `${p.name} ${p.seconds.toFixed(1)} s`).join(', ');
    teller.say(`\nDone in ${seconds.toFixed(0)} s: ${shares}.`);
    if (keep) teller.say(keptText(stage.folder));
    if (json) process.stdout.write(`${JSON.stringify({ ok: true, seconds, phases, ...summary })}\n`);
    return 0;
  } catch (error) {
    // What ends under the work at hand makes it fail; nobody needs to read that.
    if (status !== null) return status;
    throw error;
  } finally {
    await stage.end();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}
