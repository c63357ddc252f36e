/** The token is in no command to Redis and in no message from it, and the password of Redis in no error. */
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Redis } from "ioredis"
import { describe, expect } from "vitest"
import { RestConfig, Strategy, Webhook } from "../../src/index.js"
import { RedisConnection, RedisRateLimiter } from "../../src/redis/index.js"
import { DiscordSimulator, Fault } from "../../src/testing/index.js"
import { newHook } from "../scenarios/harness.js"
import { hasRedis, startRedis } from "../support/redis.js"
import { finder, makeRecorder, record, recordedTexts, shown } from "./detector.js"

const password = "s3cret-p4ssword-of-redis"

/** Every command that the server receives, with its arguments. */
const watch = (url: string) =>
  Effect.gen(function* () {
    const client = yield* Effect.acquireRelease(
      Effect.sync(() => new Redis(url, { retryStrategy: () => null })),
      (one) => Effect.sync(() => one.disconnect()),
    )
    // Its INFO must be over: seen by the monitor together with the reply to MONITOR, it is an error of `ioredis`.
    yield* Effect.promise(() => client.ping())
    const monitor = yield* Effect.acquireRelease(
      Effect.promise(() => client.monitor()),
      (one) => Effect.sync(() => one.disconnect()),
    )
    const commands: Array<string> = []
    monitor.on("monitor", (_time: string, args: ReadonlyArray<string>) => {
      commands.push(args.join(" "))
    })
    return commands
  })

describe("secrets are nowhere in shared limits", () => {
  it.scopedLive.skipIf(!hasRedis)("in commands, messages, errors, logs and spans", () =>
    Effect.gen(function* () {
      const recorder = yield* makeRecorder
      const server = yield* Effect.promise(() => startRedis(["--requirepass", password]))
      const url = `redis://:${password}@127.0.0.1:${server.port}`
      const commands = yield* watch(url)
      const limiter = (options: RedisRateLimiter.Options = {}) =>
        RedisRateLimiter.layer({ address: "egress", failAfter: "1 second", ...options }).pipe(
          Layer.provide(RedisConnection.layer(Redacted.make(url))),
        )
      const program = Effect.gen(function* () {
        const simulator = yield* DiscordSimulator.DiscordSimulator
        const { hook, made } = yield* newHook(simulator)
        const other = yield* newHook(simulator)
        const third = yield* newHook(simulator)
        const send = (one: Webhook.Webhook) => Webhook.send(one, { content: "x" })
        // Discord's errors contain the URL, and a dead webhook's is stored.
        const body = {
          message: `Unknown Webhook ${made.url}`,
          code: 10015,
          errors: { x: made.url },
        }
        const both = Effect.all(
          [1, 2].map(() =>
            Effect.provide(
              Effect.replicateEffect(Effect.exit(send(hook)), 3),
              Layer.fresh(limiter()),
            ),
          ),
          { concurrency: "unbounded" },
        )
        yield* record(recorder, both)
        yield* simulator.inject(Fault.respond({ status: 404, body }))
        yield* record(recorder, both)
        const failing = Effect.gen(function* () {
          yield* send(other.hook)
          yield* Effect.promise(() => server.kill())
          // It has no turn of this one.
          return yield* send(third.hook)
        })
        yield* record(recorder, Effect.provide(failing, limiter()))
        yield* record(recorder, Effect.provide(send(hook), limiter()))
        const wrong = RedisConnection.layer(`redis//:${password}@127.0.0.1`)
        yield* record(recorder, Layer.build(wrong))
        return [made, other.made, third.made].map(({ token }) => token)
      })
      const tokens = yield* Effect.provide(
        program,
        Layer.mergeAll(
          DiscordSimulator.layerTestWith({ globalLimit: "none" }),
          Strategy.layerAdaptive,
          RestConfig.layerWith({ timeout: "5 seconds" }),
        ),
      )
      const texts = yield* recordedTexts(recorder)
      expect(commands.some((command) => command.includes("publish"))).toBe(true)
      expect(commands.some((command) => command.includes('"dead"'))).toBe(true)
      expect(commands.flatMap(shown).filter(finder(...tokens))).toEqual([])
      expect(texts.some((text) => text.includes("the store is unavailable"))).toBe(true)
      expect(texts.some((text) => text.includes("DiscordRateLimiterUnavailable"))).toBe(true)
      expect(texts.some((text) => text.includes("ECONNREFUSED"))).toBe(true)
      expect(texts.some((text) => text.includes("expected an address like"))).toBe(true)
      expect(texts.filter(finder(...tokens, password))).toEqual([])
    }),
  )
})
