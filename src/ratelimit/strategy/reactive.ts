/** Sends until no slot is left or a response is 429, as most clients do. */
import * as Duration from "effect/Duration"
import type { Policy } from "./Policy.js"

/** @internal */
export const reactive: Policy = {
  name: "reactive",
  shouldWait: (bucket, now) =>
    bucket.remaining <= 0 && bucket.resetAt !== undefined && now < bucket.resetAt,
  calculateWait: (bucket, now) => Duration.millis((bucket.resetAt ?? now) - now),
  initial: undefined,
  observe: (memory) => memory,
}
