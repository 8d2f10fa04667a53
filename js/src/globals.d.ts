// The properties that wasm_exec.js and the module's start add to the global object.

/** The fields of module.json that are read; see Module and Asset in package api. */
export interface Assets {
  readonly wasm: Asset;
  readonly exec: Asset;
}

export interface Asset {
  readonly url: string;
  readonly integrity?: string;
  readonly bytes?: number;
}

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
  interface ImportMeta {
    /** The build's insertion into the file that a backend serves. */
    readonly assets?: Assets;
    /** Whether this is that file, which no server renders pages with. */
    readonly served?: boolean;
  }
  /** WICG prerendering, not yet in TypeScript's library. */
  interface Document {
    readonly prerendering?: boolean;
  }
}
