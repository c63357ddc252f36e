/** Sends until the server says stop. What most clients do, and the baseline to beat. */
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
