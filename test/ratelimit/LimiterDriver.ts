/** Drives a limiter: takes permits, holds them for a time, and records when and how each ended. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import type * as Fiber from "effect/Fiber"
import type { WaitError } from "../../src/error/WebhookError.js"
import type { Outcome, WaitOptions } from "../../src/ratelimit/Permit.js"
import { RateLimiter, type Service } from "../../src/ratelimit/RateLimiter.js"
import type { Route } from "../../src/ratelimit/Route.js"
import { ok, route } from "./responses.js"
import { literal } from "./model/policies.js"

export interface RequestOptions extends Partial<WaitOptions> {
  readonly route?: Route
  /** Milliseconds in flight. */
  readonly takes?: number
  readonly outcome?: Outcome
  /** Outcomes of the attempts before the last, and the milliseconds until the next. */
  readonly before?: ReadonlyArray<readonly [outcome: Outcome, after: number]>
}

export class LimiterDriver {
  /** `name@milliseconds` of every grant, and `name!Error@milliseconds` of every failure. */
  readonly log: Array<string> = []
  readonly limiter: Service

  constructor(limiter: Service) {
    this.limiter = limiter
  }

  /** Waits for a permit, records each attempt, and settles the permit. */
  readonly send = (name: string, request: RequestOptions = {}): Effect.Effect<void, WaitError> =>
    this.limiter
      .withPermit(request.route ?? route(), { policy: literal, ...request }, (permit) =>
        Effect.gen(this, function* () {
          for (const [outcome, after] of request.before ?? []) {
            yield* this.#attempt(name, request)
            yield* permit.retry(outcome, Duration.millis(after))
          }
          yield* this.#attempt(name, request)
          yield* permit.settle(request.outcome ?? ok())
        }),
      )
      .pipe(
        Effect.tapError((error) => this.record(`${name}!${error._tag}`)),
        Effect.onInterrupt(() => this.record(`${name}!interrupted`)),
      )

  /** The same in a fiber, which has run until it suspends. */
  readonly start = (
    name: string,
    request: RequestOptions = {},
  ): Effect.Effect<Fiber.RuntimeFiber<void, WaitError>> =>
    Effect.fork(this.send(name, request)).pipe(Effect.zipLeft(TestClock.adjust(0)))

  readonly record = (what: string): Effect.Effect<void> =>
    Effect.map(Clock.currentTimeMillis, (now) => void this.log.push(`${what}@${now}`))

  #attempt(name: string, request: RequestOptions) {
    return Effect.zipRight(this.record(name), Effect.sleep(request.takes ?? 100))
  }
}

export const makeDriver: Effect.Effect<LimiterDriver, never, RateLimiter> = Effect.map(
  RateLimiter,
  (limiter) => new LimiterDriver(limiter),
)
