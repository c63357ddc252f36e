/** The delay in milliseconds after a 429 that has none. */
import * as Duration from "effect/Duration"
import type { LimitScope } from "../ResponseInfo.js"

interface DelayRange {
  readonly first: number
  readonly max: number
}

const shortDelays: DelayRange = {
  first: Duration.toMillis("1 second"),
  max: Duration.toMillis("1 minute"),
}

/** Cloudflare's blocks last for minutes, and each further request may make them longer. */
const longDelays: DelayRange = {
  first: Duration.toMillis("1 minute"),
  max: Duration.toMillis("15 minutes"),
}

/** The delay after `count` consecutive responses without one: doubled each time, up to a maximum. */
export function growingDelay(scope: LimitScope, count: number): number {
  const { first, max } = scope === "edge" ? longDelays : shortDelays
  return Math.min(max, first * 2 ** (count - 1))
}
