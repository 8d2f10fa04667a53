/** What a database may have, in bytes: on the paid plan, unless TABARD_D1_BYTES says otherwise. */
const MOST = 10 * 1e9;

/** The part of it from which on every run of the cron trigger sounds an alarm. */
const ALARM = 0.7;

/**
 * Looks at the size of the database. Beyond 70 % of what it may have it writes an error to the
 * log and, where TABARD_ALARM_URL is set, posts the same text there, as chat programs take it.
 */
export async function checkRoom(env) {
  const most = Number(env.TABARD_D1_BYTES || MOST);
  const { meta } = await env.DB.prepare("SELECT 1").run();
  if (!(meta.size_after > ALARM * most)) return;
  const percent = Math.round((meta.size_after / most) * 100);
  const text = `The database of ${env.TABARD_PUBLIC_URL} has ${meta.size_after} of ${most} bytes, ${percent} %. Beyond them nobody can sign in.`;
  console.error(JSON.stringify({ level: "ERROR", msg: "the database fills up", bytes: meta.size_after, most, percent }));
  if (!env.TABARD_ALARM_URL) return;
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(env.TABARD_ALARM_URL, { method: "POST", headers, body: JSON.stringify({ text }) });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`the alarm's address answered ${answer.status}`);
}
