/**
 * The WebAssembly memories of an isolate. One whose instance was dropped counts until
 * the platform has collected it, for it takes up room until then.
 */
export class Memories {
  #all = new Set(); // of weak references

  add(memory) {
    this.#all.add(new WeakRef(memory));
  }

  /** The bytes of all together. */
  get bytes() {
    let sum = 0;
    for (const reference of this.#all) {
      const memory = reference.deref();
      if (memory === undefined) this.#all.delete(reference);
      else sum += memory.buffer.byteLength;
    }
    return sum;
  }
}
