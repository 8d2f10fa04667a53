/**
 * A statement of the program: its text, its parameters, and whether it answers with rows.
 * @typedef {[sql: string, args: unknown[], rows: boolean]} Statement
 */

/**
 * The statements of one event. What the program asks in one turn, before it waits, goes to
 * D1 in one round trip: a batch, which D1 runs in order in one transaction.
 */
export class Statements {
  #db;
  #answered;
  #turn = []; // what was asked in this turn
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
    this.#turn.push({ number, statements: JSON.parse(text) });
    if (this.#turn.length === 1) queueMicrotask(() => this.#send(this.#turn.splice(0)));
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
  if (db === undefined) throw new Error("no D1 database is bound as DB: see d1_databases of the configuration");
  const bound = statements.map(([sql, args]) => db.prepare(sql).bind(...args.map(value)));
  if (bound.length > 1) return (await db.batch(bound)).map(ofResult);
  if (statements[0][2]) {
    const [columns, ...rows] = await bound[0].raw({ columnNames: true });
    return [[columns ?? [], rows, 0]];
  }
  return [ofResult(await bound[0].run())];
}

/** D1 names the values of each row here, so that no two columns may have one name. */
function ofResult({ results, meta }) {
  const columns = Object.keys(results?.[0] ?? {});
  return [columns, (results ?? []).map((row) => Object.values(row)), meta.changes];
}

/** A parameter as D1 takes it. */
function value(parameter) {
  return parameter?.base64 === undefined ? parameter : Uint8Array.from(atob(parameter.base64), (c) => c.charCodeAt(0));
}
