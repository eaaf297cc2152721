/** A map that keeps its latest entries: a verifier's process lives long and sees many statements. */
export class BoundedCache<Value> {
  private readonly entries = new Map<string, Value>();
  private readonly capacity: number;

  /** @param capacity most entries kept, at least 1 */
  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /**
   * The value under a key, made if it is not there; the entry made longest ago makes room.
   *
   * @param key names all that the value depends on
   * @param make computes the value
   */
  get(key: string, make: () => Value): Value {
    const known = this.entries.get(key);
    if (known !== undefined) return known;
    const value = make();
    if (this.entries.size >= this.capacity) {
      for (const oldest of this.entries.keys()) {
        this.entries.delete(oldest);
        break;
      }
    }
    this.entries.set(key, value);
    return value;
  }
}
