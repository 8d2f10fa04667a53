// @ts-check

/**
 * The members of a JSON object, and its numbers as they are written: a fraction and an
 * exponent cannot be seen in a JavaScript number.
 * @typedef {{members: {[name: string]: any}, numbers: Map<string, string>}} JSONObject
 */

/** An object without members. @returns {JSONObject} */
export const noMembers = () => ({ members: Object.create(null), numbers: new Map() });

const mostMembers = 64;
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads a text that all parsers read alike: JSON without a repeated member in any object, which
 * has 64 members at most, and in UTF-8 if it is an object. The value is undefined if it is not
 * JSON, and the object null if it is none.
 * @param {Uint8Array} bytes
 * @returns {{value: any, object: JSONObject | null}}
 */
export function readJSON(bytes) {
  const text = lenient.decode(bytes), value = parsed(text);
  if (value === undefined) return { value, object: null };
  const numbers = scan(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return { value, object: null };
  strict.decode(bytes); // throws unless it is UTF-8
  return { value, object: { members: { __proto__: null, ...value }, numbers } };
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Finds repeated members in valid JSON, and returns the outermost object's numbers. It
 * keeps a list of open objects and arrays, since they may nest deeper than calls may.
 * @param {string} text
 */
function scan(text) {
  /** @type {Map<string, string>} */
  const numbers = new Map();
  /** @type {(Set<string> | null)[]} */
  const open = []; // an object's names, or null for an array
  let names = null, name = "", expectsName = false;
  const token = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[{}[\],:]/gy;
  const skipped = /[^"\d{}[\],:-]*/gy;
  for (let at = 0; at < text.length; at = token.lastIndex) {
    skipped.lastIndex = at;
    skipped.test(text);
    token.lastIndex = skipped.lastIndex;
    const [found] = token.exec(text) ?? [];
    if (found === undefined) break;
    if (found === "{" || found === "[") {
      names = found === "{" ? new Set() : null;
      open.push(names);
    } else if (found === "}" || found === "]") {
      open.pop();
      names = open.at(-1) ?? null;
    }
    if (found === "{" || found === ",") expectsName = names !== null;
    else if (expectsName) {
      expectsName = false;
      if (found === "}") continue; // an empty object
      name = wellFormed(JSON.parse(found));
      if (names?.has(name)) throw new SyntaxError(`${JSON.stringify(name)} is repeated`);
      if (names?.size === mostMembers) throw new SyntaxError("there are too many members");
      names?.add(name);
    } else if (open.length === 1 && names && /^[-\d]/.test(found)) numbers.set(name, found);
  }
  return numbers;
}

/**
 * A text in which unpaired surrogates are replaced, as decoders of UTF-8 do.
 * @param {string} text
 */
export const wellFormed = (text) => text.toWellFormed();

/**
 * A member that is a string, and "" if it is not.
 * @param {JSONObject} object
 * @param {string} name
 */
export function textOf({ members }, name) {
  const value = members[name];
  return typeof value === "string" ? wellFormed(value) : "";
}
