// A follower of the feed by @tabard/server. It reads tokens, {"claims", "token"} a line each, and writes each line's number as
// soon as an event refuses it: by its claims, or by its key where the line has the token. The first line is written when it is
// ready. It ends with standard input.
import { createInterface } from "node:readline";

import { follow } from "../../../js/server/follow.js";
import { createVerifier } from "../../../js/server/index.js";

const [issuer, audience, key, ...addresses] = process.argv.slice(2);
const onState = (following, error) => error && console.error(`following: ${following}, ${error}`);
const verifier = createVerifier({ issuer, audience, organizations: true });
const follower = follow({ verifier, key, addresses, onState });
const waiting = new Map();
const refused = async ({ claims, token }) => {
  if (!token) return follower.ended(claims);
  return (await verifier.inspect(token)).error?.reason === "unknown_key";
};
let looking = false;
const look = async () => {
  if (looking) return;
  looking = true;
  for (const [number, line] of waiting) {
    if (!(await refused(line))) continue;
    waiting.delete(number);
    console.log(number);
  }
  looking = false;
};
setInterval(look, 5);
follower.subscribe(look);
for (;;) {
  try {
    await follower.ready();
    break;
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
console.log("ready");
let number = 0;
createInterface({ input: process.stdin }).on("line", (line) => {
  const watched = JSON.parse(line);
  if (follower.ended(watched.claims)) console.log(`refused before: ${line}`);
  waiting.set(number++, watched);
}).on("close", () => process.exit());
