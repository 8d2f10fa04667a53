// A follower of the feed by @tabard/server. It reads tokens' claims, a line each, and writes each line's number as soon as
// an event refuses it. The first line is written when it is ready. It ends with standard input.
import { createInterface } from "node:readline";

import { follow } from "../../../js/server/follow.js";
import { createVerifier } from "../../../js/server/index.js";

const [issuer, audience, key, ...addresses] = process.argv.slice(2);
const onState = (following, error) => error && console.error(`following: ${following}, ${error}`);
const follower = follow({ verifier: createVerifier({ issuer, audience }), key, addresses, onState });
const waiting = new Map();
const look = () => {
  for (const [number, claims] of waiting) {
    if (!follower.ended(claims)) continue;
    waiting.delete(number);
    console.log(number);
  }
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
  const claims = JSON.parse(line);
  if (follower.ended(claims)) console.log(`refused before: ${line}`);
  waiting.set(number++, claims);
}).on("close", () => process.exit());
