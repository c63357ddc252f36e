import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as LogLevel from "effect/LogLevel"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/TestClock"
import { RateLimiter } from "../../src/index.js"
import type { Outcome } from "../../src/ratelimit/Permit.js"
import type { Policy } from "../../src/ratelimit/Strategy.js"
import { response, withoutHeaders, blocked, headers, limited, ok, route } from "./responses.js"
import { reactive, literal } from "./model/policies.js"

interface Line {
  readonly level: string
  readonly message: string
  readonly about: Readonly<Record<string, unknown>>
}

interface Desk {
  readonly limiter: RateLimiter.Service
  /** A request to a webhook that ends so. */
  readonly hear: (outcome: Outcome, webhookId?: string, policy?: Policy) => Effect.Effect<void>
  /** What has been logged since the last look. */
  readonly look: () => ReadonlyArray<Line>
}

const story = (
  name: string,
  tell: (driver: Desk) => Effect.Effect<void>,
  {
    minimum = LogLevel.Info,
    ...options
  }: RateLimiter.Options & { minimum?: LogLevel.LogLevel } = {},
) =>
  it.effect(name, () => {
    const lines: Array<Line> = []
    const logger = Logger.make(({ annotations, logLevel, message }) => {
      const about = Object.fromEntries(HashMap.toEntries(annotations))
      lines.push({ level: logLevel.label, message: String(message), about })
    })
    return Effect.gen(function* () {
      const limiter = yield* RateLimiter.RateLimiter
      const hear: Desk["hear"] = (outcome, webhookId = "1", policy = literal) =>
        Effect.ignore(
          limiter.withPermit(route({ webhookId }), { policy }, (permit) => permit.settle(outcome)),
        )
      yield* tell({ limiter, hear, look: () => lines.splice(0) })
    }).pipe(
      Effect.provide([
        RateLimiter.layerMemoryWith(options),
        Logger.replace(Logger.defaultLogger, logger),
      ]),
      Logger.withMinimumLogLevel(minimum),
    )
  })

const name = route().name

describe("a visible limit in the log", () => {
  story(
    "is nothing to talk of when it is seen for the first time, on however many webhooks",
    (driver) =>
      Effect.gen(function* () {
        for (let index = 0; index < 20; index += 1) {
          yield* driver.hear(ok(), String(index))
          yield* driver.hear(ok({ remaining: 3 }), String(index))
        }
        expect(driver.look()).toEqual([])
      }),
  )

  story(
    "is there at debug, once for its bucket",
    (driver) =>
      Effect.gen(function* () {
        yield* Effect.forEach(["1", "2", "3"], (webhook) => driver.hear(ok(), webhook), {
          concurrency: "unbounded",
        })
        expect(driver.look()).toEqual([
          {
            level: "DEBUG",
            message: "Rate limit discovered",
            about: {
              "discord.route": name,
              "discord.rate_limit.bucket": "hash",
              "discord.rate_limit.limit": 5,
              "discord.rate_limit.period_ms": 2000,
            },
          },
        ])
      }),
    { minimum: LogLevel.Debug },
  )

  story("is logged when it changed, once for all webhooks that share it", (driver) =>
    Effect.gen(function* () {
      for (const webhook of ["1", "2", "3"]) yield* driver.hear(ok(), webhook)
      yield* TestClock.adjust("10 seconds")
      for (const webhook of ["1", "2", "3"]) {
        yield* driver.hear(ok({ limit: 3, remaining: 2 }), webhook)
      }
      const lines = driver.look()
      expect(lines).toHaveLength(1)
      expect(lines[0]).toMatchObject({
        level: "INFO",
        message: "Rate limit changed",
        about: { "discord.rate_limit.limit": 3, "discord.rate_limit.previous_limit": 5 },
      })
    }),
  )

  story(
    "is not logged for each name of a bucket",
    (driver) =>
      Effect.gen(function* () {
        for (let index = 0; index < 500; index += 1) {
          yield* driver.hear(ok({ bucket: `hash ${index}` }), String(index))
        }
        expect(driver.look()).toHaveLength(1)
      }),
    { minimum: LogLevel.Debug, globalLimit: 1000 },
  )

  story("is also logged after update with another response", (driver) =>
    Effect.gen(function* () {
      yield* driver.hear(ok())
      yield* TestClock.adjust("10 seconds")
      yield* driver.limiter.update(
        route(),
        response({ headers: headers({ limit: 9, remaining: 8 }) }),
      )
      expect(driver.look()).toMatchObject([{ about: { "discord.rate_limit.limit": 9 } }])
    }),
  )
})

/** Reports the delay of the last 429 as its finding. */
const believer: Policy = {
  ...reactive,
  name: "believer",
  initial: undefined,
  observe: (memory, event) =>
    event._tag === "Responded" ? (event.response.limited?.retryAfter ?? memory) : memory,
  findings: (memory) =>
    typeof memory === "number" ? { hiddenLimit: 30, hiddenPeriod: memory } : {},
}

describe("a hidden limit in the log", () => {
  story("is logged once when assumed, and again when it changes", (driver) =>
    Effect.gen(function* () {
      for (const webhook of ["1", "2", "3"]) {
        yield* driver.hear(limited(60_000, "shared"), webhook, believer)
      }
      expect(driver.look()).toEqual([
        {
          level: "INFO",
          message: "Hidden rate limit detected",
          about: {
            "discord.route": name,
            "discord.rate_limit.bucket": "hash",
            "discord.rate_limit.strategy": "believer",
            "discord.rate_limit.hidden_limit": 30,
            "discord.rate_limit.hidden_period_ms": 60_000,
          },
        },
      ])
      yield* TestClock.adjust("2 minutes")
      yield* driver.hear(ok(), "1", believer)
      expect(driver.look()).toEqual([])
      yield* driver.hear(limited(90_000, "shared"), "1", believer)
      expect(driver.look()).toMatchObject([
        { about: { "discord.rate_limit.hidden_period_ms": 90_000 } },
      ])
    }),
  )
})

describe("a block of everything in the log", () => {
  story("is a warning, once for requests in flight together", (driver) =>
    Effect.gen(function* () {
      yield* Effect.forEach(
        ["1", "2", "3"],
        (webhookId) =>
          driver.limiter.withPermit(route({ webhookId }), { policy: literal }, (permit) =>
            Effect.zipRight(Effect.sleep(100), permit.settle(blocked("edge"))),
          ),
        { concurrency: "unbounded" },
      ).pipe(Effect.fork)
      yield* TestClock.adjust(100)
      expect(driver.look()).toEqual([
        {
          level: "WARN",
          message: "All requests are blocked",
          about: {
            "discord.route": name,
            "discord.rate_limit.scope": "edge",
            "discord.rate_limit.retry_after_ms": 60_000,
          },
        },
      ])
      yield* TestClock.adjust("1 minute")
      yield* driver.hear(blocked("global", 3000))
      expect(driver.look()).toMatchObject([
        {
          about: {
            "discord.rate_limit.scope": "global",
            "discord.rate_limit.retry_after_ms": 3000,
          },
        },
      ])
    }),
  )
})

describe("the budget of invalid requests in the log", () => {
  const forbidden = withoutHeaders({ status: 403, code: 50013 })

  story(
    "is a warning at half and at all of it, each once until the count has recovered",
    (driver) =>
      Effect.gen(function* () {
        const refuse = (requests: number) =>
          Effect.forEach(
            Array.from({ length: requests }, (_, index) => route({ webhookId: String(index) })),
            (one) =>
              driver.limiter.withPermit(one, { policy: literal }, (permit) =>
                Effect.zipRight(Effect.sleep(100), permit.settle(forbidden)),
              ),
            { concurrency: "unbounded" },
          ).pipe(Effect.fork, Effect.zipRight(TestClock.adjust(100)))
        yield* refuse(3)
        expect(driver.look()).toEqual([])
        // On their way together, so that spacing comes too late.
        yield* refuse(6)
        expect(driver.look()).toEqual([
          {
            level: "WARN",
            message: "Half of the invalid-request budget is used; requests are slowed down",
            about: {
              "discord.route": name,
              "discord.rate_limit.invalid_requests": 4,
              "discord.rate_limit.invalid_request_limit": 8,
            },
          },
          {
            level: "WARN",
            message: "The invalid-request budget is used up; all requests fail until it recovers",
            about: {
              "discord.route": name,
              "discord.rate_limit.invalid_requests": 8,
              "discord.rate_limit.invalid_request_limit": 8,
            },
          },
        ])
        yield* TestClock.adjust("20 minutes")
        yield* refuse(4)
        expect(driver.look()).toMatchObject([
          { about: { "discord.rate_limit.invalid_requests": 4 } },
        ])
      }),
    { invalidRequestLimit: 8 },
  )
})
