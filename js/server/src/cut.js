// @ts-check

/** @import { Lease } from "./lease.js" */

/** Milliseconds. How long the body of an answer may wait until it is read for the first time. */
const unreadFor = 10_000;

/**
 * An answer whose body ends with a lease, and the lease with the body, however that ends: read to
 * its end, canceled because the page left, failed at its source, or never read.
 * @param {Response} response
 * @param {Lease} lease
 * @param {string} method the request's
 */
export function cut(response, lease, method) {
  const body = new CutBody(/** @type {ReadableStream<any>} */ (response.body), lease);
  if (method !== "HEAD") return new Response(body.stream, response);
  body.giveUp();
  return new Response(null, response);
}

class CutBody {
  #lease;
  #source;
  #unread;

  /**
   * @param {ReadableStream<any>} body
   * @param {Lease} lease
   */
  constructor(body, lease) {
    this.#lease = lease;
    this.#source = body.getReader();
    this.#unread = setTimeout(() => this.giveUp(), unreadFor);
    const start = (/** @type {ReadableStreamDefaultController<any>} */ controller) => {
      const end = () => {
        this.giveUp(lease.signal.reason);
        controller.error(lease.signal.reason);
      };
      if (lease.signal.aborted) end();
      else lease.signal.addEventListener("abort", end);
    };
    const cancel = (/** @type {unknown} */ reason) => this.giveUp(reason);
    this.stream = new ReadableStream({ start, pull: (controller) => this.#pull(controller), cancel }, { highWaterMark: 0 });
  }

  /** @param {ReadableStreamDefaultController<any>} controller */
  async #pull(controller) {
    clearTimeout(this.#unread);
    try {
      const { done, value } = await this.#source.read();
      if (this.#lease.signal.aborted) return; // it was cut off meanwhile
      if (!done) return controller.enqueue(value);
      this.#lease.release();
      controller.close();
    } catch (error) {
      this.#lease.release();
      controller.error(error);
    }
  }

  /**
   * Ends the source, of which nothing is read any more.
   * @param {unknown} [reason]
   */
  giveUp(reason) {
    clearTimeout(this.#unread);
    this.#lease.release();
    this.#source.cancel(reason).catch(() => {}); // it has failed already
  }
}
