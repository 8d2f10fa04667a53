// @ts-check

/** @import { Outcome, Record } from "../index.js" */

/** @type {{[outcome in Outcome]: "debug" | "info" | "error"}} */
const levels = { allowed: "debug", refused: "info", alarm: "error" };

/**
 * Returns a guard's `record` that writes to a log: allowed requests at debug level, refused
 * ones at info, alarms at error. Structured loggers such as pino take the same three calls.
 * @param {{debug(text: string, record: Record): void, info(text: string, record: Record): void, error(text: string, record: Record): void}} [log]
 */
export const logTo = (log = console) => (/** @type {Record} */ record) => log[levels[record.outcome]](`access token ${record.outcome}`, record);
