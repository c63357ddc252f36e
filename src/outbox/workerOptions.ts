/** Options of a worker. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { DiscordInvalidOption } from "../error/WebhookError.js"
import type { Entry } from "./entry.js"

/**
 * Options of a worker.
 *
 * @since 0.1.0
 * @category models
 */
export interface WorkerOptions {
  /** Maximum number of webhooks that are sent to at the same time. Default: 50. */
  readonly concurrency?: number | undefined
  /**
   * What becomes of a message that may or may not have been posted, because the process crashed or the
   * connection broke during the request. `resend` (default): it is sent again, and may be posted
   * twice. `hold`: it becomes dead, and a person decides. Edits and deletions are always repeated.
   */
  readonly inDoubt?:
    | "resend"
    | "hold"
    | ((entry: Entry) => Effect.Effect<"resend" | "hold">)
    | undefined
  /**
   * How long a queue belongs to a worker that does not respond any more. A lease is renewed after a
   * third. Default: 30 seconds.
   */
  readonly lease?: Duration.DurationInput | undefined
  /** How often the worker looks for entries without being notified. Default: 1 second. */
  readonly pollInterval?: Duration.DurationInput | undefined
  /** Delay before an entry is tried again; it doubles up to `max`. Default: 1 second to 5 minutes. */
  readonly backoff?:
    | { readonly base?: Duration.DurationInput; readonly max?: Duration.DurationInput }
    | undefined
  /**
   * How long a shutdown waits for requests in flight; with the engine in memory, for all entries.
   * Default: 30 seconds. Set 0 in tests on a `TestClock`, which stands still at their end.
   */
  readonly drainTimeout?: Duration.DurationInput | undefined
}

export interface Settings {
  readonly concurrency: number
  readonly inDoubt: (entry: Entry) => Effect.Effect<"resend" | "hold">
  readonly lease: number
  readonly pollInterval: number
  readonly backoff: { readonly base: number; readonly max: number }
  readonly drainTimeout: Duration.Duration
}

export const resolveOptions = (
  options: WorkerOptions,
): Effect.Effect<Settings, DiscordInvalidOption> => {
  const { backoff, concurrency = 50, inDoubt = "resend", lease, pollInterval } = options
  const settings: Settings = {
    concurrency,
    inDoubt: typeof inDoubt === "function" ? inDoubt : () => Effect.succeed(inDoubt),
    lease: Duration.toMillis(lease ?? "30 seconds"),
    pollInterval: Duration.toMillis(pollInterval ?? "1 second"),
    backoff: {
      base: Duration.toMillis(backoff?.base ?? "1 second"),
      max: Duration.toMillis(backoff?.max ?? "5 minutes"),
    },
    drainTimeout: Duration.decode(options.drainTimeout ?? "30 seconds"),
  }
  const limits = {
    concurrency: [settings.concurrency, 1],
    lease: [settings.lease, 1000],
    pollInterval: [settings.pollInterval, 1],
  } as const
  const wrong = Object.entries(limits).find(
    ([, [value, min]]) => !(Number.isFinite(value) && value >= min),
  )
  if (wrong === undefined) return Effect.succeed(settings)
  const [name, [value, min]] = wrong
  return new DiscordInvalidOption({
    option: `Outbox.worker: ${name}`,
    expected: name === "concurrency" ? "a number of at least 1" : `at least ${min} ms`,
    actual: String(value),
  })
}
