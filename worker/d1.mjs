/**
 * A statement of the program: its text, its parameters, and whether it reads.
 * @typedef {[sql: string, args: unknown[], reads: boolean]} Statement
 */

/**
 * The statements of one event. What the program asks in one turn, before it waits, goes to
 * D1 in one round trip: a batch, which D1 runs in order in one transaction. Only
 * reads share one; a write is sent by itself or in the batch that the program made.
 */
export class Statements {
  #db;
  #answered;
  #reads = []; // of this turn
  #ended = false;

  /**
   * @param {D1Database} db
   * @param {(number: number, failure: string, answer: string) => void} answered is called with
   *   each answer, and not after the event has ended
   */
  constructor(db, answered) {
    this.#db = db;
    this.#answered = answered;
  }

  /** Sends statements, which come as a JSON array of them. */
  ask(number, text) {
    const statements = JSON.parse(text);
    if (statements.some(([, , reads]) => !reads)) {
      this.#send([{ number, statements }]);
      return;
    }
    this.#reads.push({ number, statements });
    if (this.#reads.length === 1) queueMicrotask(() => this.#send(this.#reads.splice(0)));
  }

  /** Ends the event: answers that come later reach nobody. */
  end() {
    this.#ended = true;
  }

  async #send(asked) {
    let answers;
    try {
      const outcomes = await run(this.#db, asked.flatMap(({ statements }) => statements));
      answers = asked.map(({ number, statements }) => [number, "", JSON.stringify(outcomes.splice(0, statements.length))]);
    } catch (problem) {
      answers = asked.map(({ number }) => [number, String(problem), ""]);
    }
    for (const answer of answers) if (!this.#ended) this.#answered(...answer);
  }
}

/**
 * Runs statements in one round trip. Of each the outcome is [columns, rows, changes].
 * @param {D1Database} db
 * @param {Statement[]} statements
 */
async function run(db, statements) {
  const bound = statements.map(([sql, args]) => db.prepare(sql).bind(...args.map(value)));
  if (bound.length > 1) return (await db.batch(bound)).map(ofBatch);
  if (statements[0][2]) {
    const [columns, ...rows] = await bound[0].raw({ columnNames: true });
    return [[columns ?? [], rows, 0]];
  }
  const { meta } = await bound[0].run();
  return [[[], [], meta.changes]];
}

/** A batch names the values of each row, so that no two columns may have one name. */
function ofBatch({ results, meta }) {
  const columns = Object.keys(results?.[0] ?? {});
  return [columns, (results ?? []).map((row) => Object.values(row)), meta.changes];
}

/** A parameter as D1 takes it. */
function value(parameter) {
  return parameter?.base64 === undefined ? parameter : Uint8Array.from(atob(parameter.base64), (c) => c.charCodeAt(0));
}
