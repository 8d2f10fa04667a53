// What wasm_exec.js and the module's start add to the global object.

export interface Go {
  importObject: WebAssembly.Imports;
  env: Record<string, string>;
  run(instance: WebAssembly.Instance): Promise<void>;
  _resume(): void;
  _scheduledTimeouts: Map<number, number>;
}

declare global {
  var Go: new () => Go;
  var __tabard: unknown;
  var process: unknown;
  /** WICG prerendering, not yet in TypeScript's library. */
  interface Document {
    readonly prerendering?: boolean;
  }
}
