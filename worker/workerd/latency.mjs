// A database that is milliseconds away: each round trip takes so long besides, and is counted.
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

let trips = 0;

/** How many round trips there were. */
export const roundTrips = () => trips;

function slowStatement(statement, milliseconds) {
  const after = async (method, args) => {
    trips++;
    if (milliseconds > 0) await pause(milliseconds);
    return statement[method](...args);
  };
  return {
    statement,
    bind: (...args) => slowStatement(statement.bind(...args), milliseconds),
    run: (...args) => after("run", args),
    raw: (...args) => after("raw", args),
    first: (...args) => after("first", args),
  };
}

/** The environment with its database as far away as env.LATENCY says. */
export function withLatency(env) {
  const milliseconds = Number(env.LATENCY ?? 0);
  const batch = async (all) => {
    trips++;
    if (milliseconds > 0) await pause(milliseconds);
    return env.DB.batch(all.map(({ statement }) => statement));
  };
  return { ...env, DB: { prepare: (sql) => slowStatement(env.DB.prepare(sql), milliseconds), batch } };
}
