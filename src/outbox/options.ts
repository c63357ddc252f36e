/** Options of an outbox, and what they mean. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { DiscordInvalidOption } from "../error/WebhookError.js"
import type { Capacity } from "./store.js"

/**
 * Options of an outbox, the same for every engine.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * Maximum numbers of pending entries: of one webhook (default: 10 000) and of all (default: no
   * limit).
   */
  readonly capacity?: { readonly perWebhook?: number; readonly total?: number } | undefined
  /**
   * With a full outbox, `fail` (default) fails with `DiscordOutboxFull`, `wait` waits for space.
   * In a transaction of the caller it always fails, because waiting would keep the transaction open.
   */
  readonly whenFull?: "fail" | "wait" | undefined
  /**
   * How long ended entries are kept, for `get`, `await` and keys. Default: 7 days for sent ones,
   * 30 days for dead ones.
   */
  readonly retention?:
    | {
        readonly sent?: Duration.DurationInput
        readonly dead?: Duration.DurationInput
      }
    | undefined
  /** Maximum bytes of all files of one entry. Default: 25 MiB. */
  readonly maxStoredBytes?: number | undefined
  /** How often entries that other processes settle are looked for. Default: 1 second. */
  readonly pollInterval?: Duration.DurationInput | undefined
}

export interface Settings {
  readonly capacity: Capacity
  readonly whenFull: "fail" | "wait"
  readonly retention: { readonly sent: number; readonly dead: number }
  readonly maxStoredBytes: number
  readonly pollInterval: number
}

/** Fills in the defaults. */
export const resolveOptions = (options: Options): Effect.Effect<Settings, DiscordInvalidOption> => {
  const settings: Settings = {
    capacity: {
      perWebhook: options.capacity?.perWebhook ?? 10_000,
      total: options.capacity?.total ?? Infinity,
    },
    whenFull: options.whenFull ?? "fail",
    retention: {
      sent: Duration.toMillis(options.retention?.sent ?? "7 days"),
      dead: Duration.toMillis(options.retention?.dead ?? "30 days"),
    },
    maxStoredBytes: options.maxStoredBytes ?? 25 * 1024 * 1024,
    pollInterval: Duration.toMillis(options.pollInterval ?? "1 second"),
  }
  const wrong = Object.entries({
    "capacity.perWebhook": settings.capacity.perWebhook,
    "capacity.total": settings.capacity.total,
    pollInterval: settings.pollInterval,
  }).find(([, value]) => !isCount(value))
  return wrong === undefined
    ? Effect.succeed(settings)
    : Effect.fail(
        new DiscordInvalidOption({
          option: `Outbox.${wrong[0]}`,
          expected: "a whole number of at least 1",
          actual: String(wrong[1]),
        }),
      )
}

function isCount(value: number): boolean {
  return value >= 1 && (value === Infinity || Number.isInteger(value))
}
