// @ts-check

/**
 * The proofs of one key in two halves. The older half is dropped as a whole.
 * @typedef {{since: number, newer: Half, older: Half, forgotten: number}} Used
 * @typedef {{names: Set<number>, latest: number}} Half
 */

/** The number of keys with their full number of proofs that fill the memory. */
const fullBy = 64;
const leastShare = 4;

/** @returns {Half} */
const none = () => ({ names: new Set(), latest: -Infinity });

/**
 * Remembers the proofs that one process has seen while they are valid, so that each is used
 * once (RFC 9449 section 11.1). Its memory is bounded for each key and in total. A key with
 * more proofs than its share loses its own oldest ones; further proofs that are no newer than a
 * forgotten one are refused, since they could be replays. Other keys are not affected. Another
 * process, or a Worker's other isolate, has no memory of the proof: there its short life limits
 * the replay.
 */
export class Replays {
  /** @type {Map<string, Used>} */
  #keys = new Map();
  #total = 0;
  #swept = -Infinity;

  /**
   * @param {number} life seconds for which a proof is valid after it was first shown
   * @param {number} most proofs of one key in each half
   */
  constructor(life, most) {
    this.life = life;
    this.most = most;
  }

  /**
   * Records that a proof is used now, in Unix seconds. It throws if it was used before.
   * @param {{jkt: string, name: number, issuedAt: number}} proof `name` is a hash of the proof's id
   * @param {number} now
   */
  use({ jkt, name, issuedAt }, now) {
    const used = this.#forKey(jkt, now);
    this.#turn(used, now);
    if (used.newer.names.has(name) || used.older.names.has(name)) throw new Error("the DPoP proof was used before");
    if (used.newer.names.size >= this.#share()) this.#forget(used, now);
    if (issuedAt <= used.forgotten) throw tooMany();
    used.newer.names.add(name);
    used.newer.latest = Math.max(used.newer.latest, issuedAt);
    this.#total++;
  }

  /**
   * @param {string} jkt
   * @param {number} now
   */
  #forKey(jkt, now) {
    if (now - this.#swept >= this.life) this.#sweep(now);
    const known = this.#keys.get(jkt);
    if (known) return known;
    if (this.#keys.size >= (fullBy * this.most) / leastShare) throw tooMany();
    const used = { since: now, newer: none(), older: none(), forgotten: -Infinity };
    this.#keys.set(jkt, used);
    return used;
  }

  /**
   * Drops the keys without a valid proof.
   * @param {number} now
   */
  #sweep(now) {
    this.#swept = now;
    for (const [jkt, used] of this.#keys) {
      if (now - used.since < 2 * this.life) continue;
      this.#total -= sizeOf(used);
      this.#keys.delete(jkt);
    }
  }

  /** The number of proofs that half of a key's memory may have. */
  #share() {
    const full = fullBy * this.most;
    if (this.#total < full) return this.most;
    return Math.min(this.most, Math.max(leastShare, Math.floor(full / this.#keys.size / 2)));
  }

  /**
   * Drops expired proofs.
   * @param {Used} used
   * @param {number} now
   */
  #turn(used, now) {
    const age = now - used.since;
    if (age < this.life) return;
    const before = sizeOf(used);
    used.older = age >= 2 * this.life ? none() : used.newer;
    [used.newer, used.since] = [none(), now];
    this.#total -= before - sizeOf(used);
  }

  /**
   * Drops the older half early.
   * @param {Used} used
   * @param {number} now
   */
  #forget(used, now) {
    this.#total -= used.older.names.size;
    used.forgotten = Math.max(used.forgotten, used.older.latest);
    [used.older, used.newer, used.since] = [used.newer, none(), now];
  }
}

const tooMany = () => new Error("too many DPoP proofs at once: repeat the request with a new proof");

/** @param {Used} used */
const sizeOf = (used) => used.newer.names.size + used.older.names.size;
