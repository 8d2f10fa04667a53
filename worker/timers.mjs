/**
 * The timers of one Go program, which end with the event that set them and are set
 * anew in the next. A timer of its own platform event would otherwise wake the
 * program in the midst of another.
 */
export class Timers {
  #go;
  #pending = new Map(); // id → {due, handle}
  #last = 0;

  /** Takes the place of the toolchain's two imports for timers. */
  constructor(go) {
    this.#go = go;
    go.importObject.gojs["runtime.scheduleTimeoutEvent"] = (sp) => {
      sp >>>= 0;
      const id = ++this.#last;
      const delay = Number(go.mem.getBigInt64(sp + 8, true));
      this.#pending.set(id, { due: Date.now() + delay });
      this.#set(id);
      go.mem.setInt32(sp + 16, id, true);
    };
    go.importObject.gojs["runtime.clearTimeoutEvent"] = (sp) => {
      const id = go.mem.getInt32((sp >>> 0) + 8, true);
      clearTimeout(this.#pending.get(id)?.handle);
      this.#pending.delete(id);
    };
  }

  /** Stops all timers at the end of an event. */
  stop() {
    for (const { handle } of this.#pending.values()) clearTimeout(handle);
  }

  /** Sets all timers anew at the start of the next. */
  start() {
    for (const id of this.#pending.keys()) this.#set(id);
  }

  #set(id) {
    const timer = this.#pending.get(id);
    timer.handle = setTimeout(() => {
      // The program clears the timer once it has seen it.
      while (this.#pending.has(id) && !this.#go.exited) this.#go._resume();
    }, timer.due - Date.now());
  }
}
