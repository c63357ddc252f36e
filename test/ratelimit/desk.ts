/** A program in a few words: who asks for a permit, when he gets it, and what became of it. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import type * as Fiber from "effect/Fiber"
import type { WaitError } from "../../src/error/WebhookError.js"
import type { Outcome, WaitOptions } from "../../src/ratelimit/Permit.js"
import { RateLimiter, type Service } from "../../src/ratelimit/RateLimiter.js"
import type { Route } from "../../src/ratelimit/Route.js"
import { ok, route } from "./answers.js"
import { literal } from "./model/policies.js"

export interface Request extends Partial<WaitOptions> {
  readonly route?: Route
  /** Milliseconds in flight. */
  readonly takes?: number
  readonly outcome?: Outcome
  /** Outcomes of the attempts before the last, and the milliseconds until the next. */
  readonly before?: ReadonlyArray<readonly [outcome: Outcome, after: number]>
}

export class Desk {
  /** `name@milliseconds` of every grant, and `name!Error@milliseconds` of every failure. */
  readonly log: Array<string> = []
  readonly limiter: Service

  constructor(limiter: Service) {
    this.limiter = limiter
  }

  /** Asks, sends, and says what became of it. */
  readonly send = (name: string, request: Request = {}): Effect.Effect<void, WaitError> =>
    this.limiter
      .withPermit(request.route ?? route(), { policy: literal, ...request }, (permit) =>
        Effect.gen(this, function* () {
          for (const [outcome, after] of request.before ?? []) {
            yield* this.#fly(name, request)
            yield* permit.again(outcome, Duration.millis(after))
          }
          yield* this.#fly(name, request)
          yield* permit.settle(request.outcome ?? ok())
        }),
      )
      .pipe(
        Effect.tapError((error) => this.note(`${name}!${error._tag}`)),
        Effect.onInterrupt(() => this.note(`${name}!interrupted`)),
      )

  /** The same beside what goes on; the fiber has come as far as it gets for now. */
  readonly ask = (
    name: string,
    request: Request = {},
  ): Effect.Effect<Fiber.RuntimeFiber<void, WaitError>> =>
    Effect.fork(this.send(name, request)).pipe(Effect.zipLeft(TestClock.adjust(0)))

  readonly note = (what: string): Effect.Effect<void> =>
    Effect.map(Clock.currentTimeMillis, (now) => void this.log.push(`${what}@${now}`))

  #fly(name: string, request: Request) {
    return Effect.zipRight(this.note(name), Effect.sleep(request.takes ?? 100))
  }
}

export const openDesk: Effect.Effect<Desk, never, RateLimiter> = Effect.map(
  RateLimiter,
  (limiter) => new Desk(limiter),
)
