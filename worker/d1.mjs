/**
 * A statement of the program: its text, its parameters, and whether it answers with rows.
 * @typedef {[sql: string, args: unknown[], rows: boolean]} Statement
 */

/**
 * Runs what the program asked before it waited, in one round trip: a batch, which D1 runs in
 * order in one transaction. The outcomes of each come as one text.
 * @param {D1Database} db
 * @param {string[]} asked JSON arrays of statements
 */
export async function query(db, asked) {
  const lists = asked.map((text) => JSON.parse(text));
  const outcomes = await run(db, lists.flat());
  return lists.map(({ length }) => JSON.stringify(outcomes.splice(0, length)));
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
