/** A map that keeps its latest entries: a verifier's process lives long and sees many statements. */
export class BoundedCache<Value> {
  private readonly entries = new Map<string, Value>();
  private readonly capacity: number;
  private readonly sizeOf: (value: Value) => number;
  private held = 0;

  /**
   * @param capacity most bytes kept; the latest entry stays however large it is
   * @param sizeOf bytes of a value
   */
  constructor(capacity: number, sizeOf: (value: Value) => number) {
    this.capacity = capacity;
    this.sizeOf = sizeOf;
  }

  /**
   * The value under a key, made if it is not there; the entries made longest ago make room.
   *
   * @param key names all that the value depends on
   * @param make computes the value
   */
  get(key: string, make: () => Value): Value {
    const known = this.entries.get(key);
    if (known !== undefined) return known;
    const value = make();
    const size = this.sizeOf(value);
    for (const [oldest, other] of this.entries) {
      if (this.held + size <= this.capacity) break;
      this.entries.delete(oldest);
      this.held -= this.sizeOf(other);
    }
    this.entries.set(key, value);
    this.held += size;
    return value;
  }
}
