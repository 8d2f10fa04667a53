// Reads addresses, one JSON array [address, base] a line, as browsers do, and writes
// what each is: [origin, href], or null where it is no address.
import { createInterface } from "node:readline";

for await (const line of createInterface({ input: process.stdin })) {
  const [address, base] = JSON.parse(line);
  let read = null;
  try {
    const url = new URL(address, base);
    read = [url.origin, url.href];
  } catch {}
  process.stdout.write(JSON.stringify(read) + "\n");
}
