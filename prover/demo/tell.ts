/** What the demonstration says, and how long its parts take. */

export interface Phase {
  readonly name: string;
  readonly seconds: number;
}

export class Teller {
  readonly phases: Phase[] = [];
  readonly #begin = performance.now();

  say(line: string): void {
    process.stdout.write(`${line}\n`);
  }

  /** Runs a part under its heading. */
  async phase<T>(name: string, heading: string, part: () => Promise<T>): Promise<T> {
    this.say(`\n■ ${heading}`);
    const begin = performance.now();
    const result = await part();
    this.phases.push({ name, seconds: (performance.now() - begin) / 1000 });
    return result;
  }

  /** Seconds since the beginning. */
  get seconds(): number {
    return (performance.now() - this.#begin) / 1000;
  }
}
