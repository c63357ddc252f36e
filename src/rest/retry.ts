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
  return failed.idempotent || failed.delivered === "no" || settings.retry === "atLeastOnce"
}

/** The pause before repetition number `retries + 1`, before the dice: doubling, with a ceiling. */
export function ceiling(
  retries: number,
  settings: { readonly backoffBase: Duration.Duration; readonly backoffMax: Duration.Duration },
): Duration.Duration {
  return Duration.min(Duration.times(settings.backoffBase, 2 ** retries), settings.backoffMax)
}

/**
 * Between half the ceiling and the ceiling, so that many who failed together do not come back
 * together; but not before the server's own `Retry-After`, as far as `backoffMax` allows.
 */
export function backoff(
  retries: number,
  retryAfter: number | undefined,
  settings: { readonly backoffBase: Duration.Duration; readonly backoffMax: Duration.Duration },
): Effect.Effect<Duration.Duration> {
  const longest = ceiling(retries, settings)
  const asked = Duration.min(Duration.millis(retryAfter ?? 0), settings.backoffMax)
  return Effect.map(Random.next, (dice) =>
    Duration.max(Duration.times(longest, 0.5 + dice / 2), asked),
  )
}
