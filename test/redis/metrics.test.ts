/** Metrics of turns and calls, of two limiters that send to one webhook. */
// Any error fails a test, so errors have no types here.
// @effect-diagnostics anyUnknownInErrorContext:off
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import { RateLimiter } from "../../src/index.js"
import { RedisConnection, RedisMetrics, RedisRateLimiter } from "../../src/redis/index.js"
import { reactive } from "../ratelimit/model/policies.js"
import { ok, route } from "../ratelimit/responses.js"
import { getRedis, hasRedis } from "../support/redis.js"

const joins = Metric.tagged(RedisMetrics.calls, RedisMetrics.labels.call, "join")

const read = Effect.all({
  taken: Metric.value(RedisMetrics.turnsTaken),
  passed: Metric.value(RedisMetrics.turnsPassed),
  takenOver: Metric.value(RedisMetrics.turnsTakenOver),
  joins: Metric.value(joins),
}).pipe(
  Effect.map(({ joins: { count }, passed, taken, takenOver }) => ({
    taken: taken.count,
    passed: passed.count,
    takenOver: takenOver.count,
    joins: count,
  })),
)

it.scopedLive.skipIf(!hasRedis)("a turn that is passed on is counted on both sides", () =>
  Effect.gen(function* () {
    const { url } = yield* Effect.promise(getRedis)
    const open = Effect.map(
      Layer.build(
        RedisRateLimiter.layer({ prefix: `metrics-${process.pid}` }).pipe(
          Layer.provide(RedisConnection.layer(url)),
        ),
      ),
      (context) => {
        const limiter = Effect.provide(RateLimiter.RateLimiter, context)
        return Effect.flatMap(limiter, (one) =>
          one.withPermit(route(), { policy: reactive }, (permit) => permit.settle(ok())),
        )
      },
    )
    const [first, second] = [yield* open, yield* open]
    const before = yield* read
    yield* first
    yield* second
    // The second one may get the turn before the first one has the reply to its call.
    const after = yield* Effect.repeat(Effect.zipRight(Effect.sleep(5), read), {
      until: ({ passed }) => passed > before.passed,
    })
    // Limiters of other tests, which close meanwhile, count in the same metrics.
    expect(after.taken - before.taken).toBeGreaterThanOrEqual(2)
    expect(after.joins - before.joins).toBeGreaterThanOrEqual(2)
    expect(after.takenOver).toBe(before.takenOver)
    expect((yield* Metric.value(RedisMetrics.available)).value).toBe(1)
  }),
)
