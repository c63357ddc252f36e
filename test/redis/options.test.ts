/** Options of the shared limiter that are out of range. */
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { RedisConnection, RedisRateLimiter } from "../../src/redis/index.js"
import { checkOptions } from "../../src/redis/options.js"

type Invalid = readonly [option: RedisRateLimiter.Options, message: string]

const invalid: ReadonlyArray<Invalid> = [
  [
    { prefix: "" },
    'RedisRateLimiter.prefix: expected at least one character, and no braces, got ""',
  ],
  [
    { prefix: "a{b}" },
    'RedisRateLimiter.prefix: expected at least one character, and no braces, got "a{b}"',
  ],
  [
    { address: "" },
    'RedisRateLimiter.address: expected a name, or undefined without a shared address, got ""',
  ],
  ...["0 seconds", "1999 millis", "61 minutes", "-1 second", Number.NaN, Duration.infinity].map(
    (lease): Invalid => [
      { lease: lease as Duration.DurationInput },
      `RedisRateLimiter.lease: expected a duration from 2 seconds to 1 hour, got ${Duration.isDuration(lease) ? "Infinity" : lease}`,
    ],
  ),
  [{ fallbackAfter: -1 }, "RedisRateLimiter.fallbackAfter: expected a duration, got -1"],
  [{ fallbackAfter: Number.NaN }, "RedisRateLimiter.fallbackAfter: expected a duration, got NaN"],
  [{ failAfter: -1 }, "RedisRateLimiter.failAfter: expected a duration, got -1"],
  [
    { globalLimit: 0 },
    "RedisRateLimiter.globalLimit: expected a whole number from 1 to 1000000, got 0",
  ],
  [{ idleAfter: -1 }, "RedisRateLimiter.idleAfter: expected a duration, got -1"],
]

/** Must not be used. */
const unused = Layer.succeed(RedisConnection.RedisConnection, {
  eval: () => Effect.die("a command"),
  subscribe: () => Stream.die("a subscription"),
})

describe("options of the shared limiter", () => {
  it.each(invalid)("%o is rejected", (options, message) => {
    const result = RedisRateLimiter.layer(options).pipe(
      Layer.provide(unused),
      Layer.build,
      Effect.scoped,
      Effect.either,
      Effect.runSync,
    )
    expect(result).toMatchObject({ _tag: "Left", left: { _tag: "DiscordInvalidOption", message } })
  })

  it.each([
    { lease: "2 seconds" },
    { lease: "1 hour" },
    { fallbackAfter: 0, failAfter: Duration.infinity },
    { prefix: "ä 1:*", address: " " },
  ] as ReadonlyArray<RedisRateLimiter.Options>)("%o is accepted", (options) => {
    expect(Either.isRight(Effect.runSync(Effect.either(checkOptions(options))))).toBe(true)
  })
})
