/**
 * The timers of one Go program, of which its runtime sets the next one only. They belong to
 * no event: whichever looks first lets the program run those that are due.
 */
export class Timers {
  /** When the next one is due, in milliseconds. */
  next = Infinity;
  #last = 0;

  /**
   * Takes the place of the toolchain's two imports for timers.
   * @param {() => void} onSet is called when a timer was set
   */
  constructor(go, onSet) {
    go.importObject.gojs["runtime.scheduleTimeoutEvent"] = (sp) => {
      sp >>>= 0;
      this.next = Date.now() + Number(go.mem.getBigInt64(sp + 8, true));
      go.mem.setInt32(sp + 16, ++this.#last, true);
      onSet();
    };
    go.importObject.gojs["runtime.clearTimeoutEvent"] = (sp) => {
      if (go.mem.getInt32((sp >>> 0) + 8, true) === this.#last) this.next = Infinity;
    };
  }
}
