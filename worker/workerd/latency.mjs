// A database that is milliseconds away: each statement takes so long besides.
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function slowStatement(statement, milliseconds) {
  const after = async (method, args) => {
    await pause(milliseconds);
    return statement[method](...args);
  };
  return {
    bind: (...args) => slowStatement(statement.bind(...args), milliseconds),
    run: (...args) => after("run", args),
    raw: (...args) => after("raw", args),
    first: (...args) => after("first", args),
  };
}

/** The environment with its database as far away as env.LATENCY says. */
export function withLatency(env) {
  const milliseconds = Number(env.LATENCY ?? 0);
  if (milliseconds === 0) return env;
  return { ...env, DB: { prepare: (sql) => slowStatement(env.DB.prepare(sql), milliseconds) } };
}
