// Measures the memories of all programs, apart from what the pool knows of them. Import
// it first: it takes the place of WebAssembly.Instance.
const memories = new Set(); // weak references
let peak = 0;

const { Instance } = WebAssembly;
WebAssembly.Instance = class extends Instance {
  constructor(...given) {
    super(...given);
    memories.add(new WeakRef(this.exports.mem));
    liveBytes();
  }
};

/** The bytes of all memories that were not collected yet. */
export function liveBytes() {
  const alive = [...memories].map((memory) => memory.deref()).filter(Boolean);
  const sum = alive.reduce((bytes, memory) => bytes + memory.buffer.byteLength, 0);
  peak = Math.max(peak, sum);
  return sum;
}

/** The most that they were whenever somebody looked. */
export const peakBytes = () => Math.max(peak, liveBytes());

/** How many programs were started. */
export const started = () => memories.size;
