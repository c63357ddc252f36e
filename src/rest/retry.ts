/** Whether to try again, and when. Pure, but for the dice of the jitter. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { Delivered } from "../error/WebhookError.js"

/** A failed attempt, as far as repeating it is concerned. */
export interface FailedAttempt {
  readonly idempotent: boolean
  readonly delivered: Delivered
  /** The same would happen again. */
  readonly permanent: boolean
  /** Repetitions made so far, 429 answers not counted. */
  readonly retries: number
}

/**
 * A webhook message has no nonce, so sending it again may post it twice: what is not idempotent is
 * repeated only when the attempt certainly never reached Discord, unless the user opts in.
 */
export function mayRetry(
  failed: FailedAttempt,
  settings: { readonly maxRetries: number; readonly retry: "safe" | "atLeastOnce" },
): boolean {
  if (failed.permanent || failed.retries >= settings.maxRetries) return false
  if (failed.idempotent || failed.delivered === "no") return true
  // What certainly arrived has been delivered at least once.
  return settings.retry === "atLeastOnce" && failed.delivered === "unknown"
}

interface Backoff {
  readonly backoffBase: Duration.Duration
  readonly backoffMax: Duration.Duration
}

/** Milliseconds before repetition number `retries + 1`, before the dice: doubling, with an end. */
export function ceiling(retries: number, { backoffBase, backoffMax }: Backoff): number {
  return Math.min(Duration.toMillis(backoffBase) * 2 ** retries, Duration.toMillis(backoffMax))
}

/**
 * Between half the ceiling and the ceiling, so that many who failed together do not come back
 * together; but not before the server's own `Retry-After`, as far as `backoffMax` allows.
 */
export function backoff(
  retries: number,
  retryAfter: number | undefined,
  settings: Backoff,
): Effect.Effect<Duration.Duration> {
  const longest = ceiling(retries, settings)
  const asked = Math.min(retryAfter ?? 0, Duration.toMillis(settings.backoffMax))
  return Effect.map(Random.next, (dice) =>
    Duration.millis(Math.max(Math.ceil(longest * (0.5 + dice / 2)), asked)),
  )
}
