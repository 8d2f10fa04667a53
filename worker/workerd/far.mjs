// A database that is milliseconds away: each statement takes so long besides.
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function farStatement(statement, milliseconds) {
  const after = async (method, args) => {
    await pause(milliseconds);
    return statement[method](...args);
  };
  return {
    bind: (...args) => farStatement(statement.bind(...args), milliseconds),
    run: (...args) => after("run", args),
    raw: (...args) => after("raw", args),
  };
}

/** The environment with its database as far away as env.DISTANCE says. */
export function far(env) {
  const milliseconds = Number(env.DISTANCE ?? 0);
  if (milliseconds === 0) return env;
  return { ...env, DB: { prepare: (sql) => farStatement(env.DB.prepare(sql), milliseconds) } };
}
