/** The laws of the rate-limit model on fibers, through `RateLimiter.layerMemory` and real interruption. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as LogLevel from "effect/LogLevel"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { SharedLimiter } from "../../../src/ratelimit/internal/service.js"
import type { WaitError } from "../../../src/error/WebhookError.js"
import {
  responded,
  neverSent,
  type Outcome,
  type Permit,
  unknown,
} from "../../../src/ratelimit/Permit.js"
import { route as routeOf } from "../responses.js"
import * as VirtualClock from "../../support/VirtualClock.js"
import { anything, literally, overtaken, type Scenario } from "./scenarios.js"
import { Server } from "./server.js"
import { unset } from "../../../src/ratelimit/settings.js"
import type { Job } from "./modelRun.js"
import { runs } from "../../support/laws.js"

type Handle = Effect.Effect.Success<ReturnType<SharedLimiter["open"]>>

const mostAttempts = 20

interface Played {
  readonly server: Server
  readonly ends: ReadonlyArray<string>
  readonly core: SharedLimiter
  readonly granted: number
  readonly settled: number
}

/** Half of them by a scoped permit. */
const request = (
  handle: Handle,
  job: Job,
  use: (permit: Permit) => Effect.Effect<string, WaitError>,
) => {
  const options = {
    policy: job.policy,
    delivery: job.ordered ? ("ordered" as const) : ("concurrent" as const),
    maxWait: job.maxWait === undefined ? undefined : Duration.millis(job.maxWait),
  }
  const route = routeOf({ webhookId: String(job.webhook), method: job.route })
  return job.at % 2 === 0
    ? handle.withPermit(route, options, use)
    : Effect.scoped(Effect.flatMap(handle.wait(route, options), use))
}

/** Plays a scenario: every job is a fiber, and who leaves is interrupted. */
const play = (scenario: Scenario, closeAt?: number): Effect.Effect<Played> =>
  Effect.gen(function* () {
    const server = new Server(scenario.server)
    const core = new SharedLimiter(yield* Effect.clock)
    const scope = yield* Scope.make()
    const handle = yield* Scope.extend(core.open(unset(false)), scope)
    const counts = { granted: 0, settled: 0 }
    const flying = new Set<{ readonly webhook: number; readonly since: number }>()

    const attempt = (job: Job, number: number): Effect.Effect<Outcome> => {
      const { up, down, fate } = job.attempts[Math.min(number, job.attempts.length - 1)]!
      const own = { webhook: job.webhook, since: core.timers.now() }
      // Who got his permit later may begin earlier, but only in the same instant.
      const isAlone = [...flying].every(
        (one) => one.webhook !== own.webhook || one.since === own.since,
      )
      if (job.ordered && !isAlone) return Effect.dieMessage("an ordered request is not alone")
      flying.add(own)
      return Effect.gen(function* () {
        yield* Effect.sleep(up)
        if (fate === "neverSent") return neverSent
        const answer =
          fate === "lostBefore"
            ? undefined
            : server.handle(String(job.webhook), job.route, yield* Clock.currentTimeMillis)
        yield* Effect.sleep(down)
        return answer === undefined || fate === "lostAfter" ? unknown : responded(answer)
      }).pipe(Effect.ensuring(Effect.sync(() => flying.delete(own))))
    }

    const use = (job: Job) => (permit: Permit) =>
      Effect.gen(function* () {
        for (let number = 0; ; number++) {
          counts.granted += 1
          const outcome = yield* Effect.onError(attempt(job, number), () =>
            Effect.sync(() => (counts.settled += 1)),
          )
          counts.settled += 1
          const refused = outcome._tag === "Responded" && outcome.response.limited !== undefined
          if ((refused || outcome._tag === "NeverSent") && number < mostAttempts) {
            yield* permit.retry(outcome, Duration.millis(job.backoff))
          } else {
            yield* permit.settle(outcome)
            return refused ? "refused" : outcome._tag
          }
        }
      })

    const ask = (job: Job): Effect.Effect<string> =>
      Effect.gen(function* () {
        yield* Effect.sleep(job.at)
        const fiber = yield* Effect.fork(request(handle, job, use(job)))
        if (job.leavesAfter !== undefined) {
          yield* Effect.fork(Effect.zipRight(Effect.sleep(job.leavesAfter), Fiber.interrupt(fiber)))
        }
        return Exit.match(yield* Fiber.await(fiber), {
          onSuccess: (end) => end,
          onFailure: (cause) =>
            cause._tag === "Fail"
              ? cause.error._tag
              : Exit.isInterrupted(Exit.failCause(cause))
                ? "left"
                : String(cause),
        })
      })

    if (closeAt !== undefined) {
      yield* Effect.fork(Effect.zipRight(Effect.sleep(closeAt), Scope.close(scope, Exit.void)))
    }
    const ends = yield* Effect.forEach(scenario.jobs, ask, { concurrency: "unbounded" })
    const snapshot = core.machine.snapshot(yield* Clock.currentTimeMillis)
    expect(snapshot).toMatchObject({ waiting: 0, inFlight: 0 })
    // Long enough for every block and reset to be forgotten.
    if (closeAt === undefined) {
      yield* Effect.sleep("1 hour")
      expect(core.machine.snapshot(core.timers.now()).buckets).toBe(0)
    }
    yield* Scope.close(scope, Exit.void)
    expect(core.timers.size).toBe(0)
    return { server, ends, core, ...counts }
  }).pipe(Logger.withMinimumLogLevel(LogLevel.None))

const law = (
  name: string,
  scenarios: FastCheck.Arbitrary<Scenario>,
  check: (played: Played, scenario: Scenario) => void,
  { closeAt, examples = [] }: { closeAt?: number; examples?: ReadonlyArray<Scenario> } = {},
) =>
  it(name, () =>
    FastCheck.assert(
      FastCheck.asyncProperty(scenarios, async (scenario) => {
        const { value } = await VirtualClock.runPromise(play(scenario, closeAt))
        check(value, scenario)
      }),
      { numRuns: runs(1000), examples: examples.map((scenario) => [scenario]) },
    ),
  )

describe("the laws, on fibers", () => {
  law("1: no 429 where all limits are visible", literally, ({ server }) => {
    expect(server.refused).toBe(0)
  })

  law(
    "2, 6, 8: every request ends, and every permit is settled",
    anything,
    (played, { jobs }) => {
      for (const [index, end] of played.ends.entries()) {
        const job = jobs[index]!
        const expected = ["Responded", "Unknown", "refused", "NeverSent"]
        if (job.maxWait !== undefined) expected.push("WebhookRateLimited")
        if (job.leavesAfter !== undefined) expected.push("left")
        expect(expected).toContain(end)
      }
      expect(played.settled).toBe(played.granted)
    },
    { examples: [overtaken] },
  )

  law(
    "6: a scope that closes ends all waits at once",
    anything,
    ({ ends }) => {
      for (const end of ends) expect(end).not.toContain("Error:")
    },
    { closeAt: 1500 },
  )
})
