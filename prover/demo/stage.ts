/** What a demonstration holds open: a folder, child processes, a device. Everything ends with it, also after Ctrl-C. */
import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type Ending = () => Promise<void> | void;

export class Stage {
  /** For all files of the demonstration. */
  readonly folder: string;
  readonly #keep: boolean;
  readonly #endings: Ending[] = [];
  #ended: Promise<void> | null = null;

  private constructor(folder: string, keep: boolean) {
    this.folder = folder;
    this.#keep = keep;
  }

  /** @param keep whether the folder stays: then it is made in runs/ */
  static async open(keep: boolean): Promise<Stage> {
    if (!keep) return new Stage(await mkdtemp(join(tmpdir(), 'zklora-demo-')), false);
    const time = new Date().toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
    const folder = join('runs', `demo-${time}`);
    await mkdir(folder, { recursive: true });
    return new Stage(folder, true);
  }

  /** Keeps something open until the end; started things end even when the stage ended meanwhile. */
  async holds<T>(start: Promise<T>, end: (thing: T) => Promise<void> | void): Promise<T> {
    // Known before it has started, so that an end in between waits for it.
    this.#endings.push(async () => {
      const thing = await start.catch(() => null);
      if (thing !== null) await end(thing);
    });
    return start;
  }

  /** Ends everything, last opened first; may be called again. */
  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    for (const ending of this.#endings.reverse()) await ending();
    if (!this.#keep) await rm(this.folder, { recursive: true, force: true });
  }
}
