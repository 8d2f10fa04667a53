import type { Client } from "../index.js";
import type { Action, Code, Ending, Problem } from "./errors.js";
import type { Organization } from "./state.js";

/** How a switch ended. Unless it `switched`, or the page is `leaving`, the tab goes on in its organization as if nothing had been asked. */
export type SwitchResult =
  | { readonly status: "switched"; readonly organization: Organization }
  | (SwitchProblem & {
      readonly status: "step_up_required";
      /**
       * Leaves the page to authenticate as the organization asks, and finishes the switch when it is back at `returnTo`
       * (default: this page).
       */
      continue(options?: { returnTo?: string | URL | undefined }): Promise<void>;
    })
  | (SwitchProblem & {
      /**
       * - `refused`: the backend said no, or the page did (`switch_declined`, see {@link Client.beforeSwitch}); `code`
       *   says why.
       * - `failed`: the answer could not be trusted.
       * - `overtaken`: another switch, or a sign-out, came later.
       * - `unavailable`: the backend could not be reached; call again.
       * - `leaving` (`page_left`): the backend agreed, and the page leaves for the organization's own origin.
       */
      readonly status: "refused" | "failed" | "overtaken" | "unavailable" | "leaving";
    });

export interface SwitchProblem {
  readonly code: Code;
  readonly action: Action;
  readonly description: string;
  /** As {@link Problem.reason}. */
  readonly reason?: Ending;
}

/** How {@link Client.switchAccount} ended. Unless it is `switched`, the tab is as before. */
export type AccountResult =
  | { readonly status: "switched"; readonly organization?: Organization }
  | {
      readonly status: "step_up_required" | "refused" | "failed" | "overtaken" | "unavailable";
      readonly code: Code;
      readonly action: Action;
      readonly description: string;
      readonly reason?: Ending;
    };
