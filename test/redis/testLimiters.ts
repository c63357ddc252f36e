/** For tests with real Redis servers: starts them, opens limiters on them, and clients that damage their data. */
// Any error fails a test, so errors have no types here.
// @effect-diagnostics anyUnknownInErrorContext:off
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import { Redis } from "ioredis"
import { RateLimiter } from "../../src/index.js"
import type { WaitOptions } from "../../src/ratelimit/Permit.js"
import type { Route } from "../../src/ratelimit/Route.js"
import { RedisConnection, RedisRateLimiter } from "../../src/redis/index.js"
import { ok, route } from "../ratelimit/responses.js"
import { hasRedis, type RedisServer, startRedis } from "../support/redis.js"
import { reactive } from "../ratelimit/model/policies.js"

export interface TestLimiter {
  readonly limiter: RateLimiter.Service
  /** Takes a permit, and settles it at once with a successful response. */
  readonly send: (
    options?: Partial<WaitOptions> & { readonly at?: Route },
  ) => Effect.Effect<void, unknown>
  readonly lines: ReadonlyArray<string>
}

export const openLimiterOn = <E>(
  connection: Layer.Layer<RedisConnection.RedisConnection, E>,
  options: RedisRateLimiter.Options,
): Effect.Effect<TestLimiter, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    const logger = Logger.make<unknown, void>(({ logLevel, message }) => {
      lines.push([logLevel.label, ...[message].flat().map(String)].join(" "))
    })
    const context = yield* RedisRateLimiter.layer(options).pipe(
      Layer.provide(connection),
      Layer.build,
      Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
    )
    const limiter = yield* Effect.provide(RateLimiter.RateLimiter, context)
    const send: TestLimiter["send"] = ({ at = route(), ...rest } = {}) =>
      limiter.withPermit(at, { policy: reactive, ...rest }, (permit) => permit.settle(ok()))
    return { limiter, send, lines }
  })

export const openLimiter = ({ url }: Pick<RedisServer, "url">, options: RedisRateLimiter.Options) =>
  openLimiterOn(RedisConnection.layer(url), options)

/** A client to damage the data with. */
export const openClient = ({ url }: Pick<RedisServer, "url">) =>
  Effect.acquireRelease(
    Effect.sync(() => new Redis(url)),
    (client) => Effect.sync(() => client.disconnect()),
  )

export const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => (condition() ? Effect.void : Effect.delay(until(condition), "10 millis")))

let prefixes = 0

export const makePrefix = () => `test-${process.pid}-${++prefixes}`

export const failToConnect = (url: string) =>
  Effect.flip(Effect.scoped(Layer.build(RedisConnection.layer(url))))

export const startServer = (...options: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.promise(() => startRedis(options)),
    (server) => Effect.promise(() => server.kill()),
  )

export const itWithRedis = (title: string, test: Effect.Effect<void, unknown, Scope.Scope>): void =>
  it.scopedLive.skipIf(!hasRedis)(title, () => test)
