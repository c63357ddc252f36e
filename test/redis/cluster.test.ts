/** A Redis Cluster, and single nodes of one. */
// Any error fails a test, so errors have no types here.
// @effect-diagnostics anyUnknownInErrorContext:off
import { describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { openCluster } from "../ratelimit/distributed/engines.js"
import { route } from "../ratelimit/responses.js"
import { getCluster, startCluster } from "../support/redis.js"
import {
  failToConnect,
  itWithRedis,
  makePrefix,
  openLimiter,
  openClient,
  openLimiterOn,
} from "./testLimiters.js"

/**
 * Enough that both nodes have some of them. Their ids are of many lengths: the slots of ids that differ in one
 * digit may be on the same node, since CRC16 is linear.
 */
const webhooks = Array.from({ length: 24 }, (_, index) =>
  route({ webhookId: String(3 ** (index + 1)) }),
)

describe.concurrent("a cluster", () => {
  itWithRedis(
    "has the turns of webhooks on all of its nodes",
    Effect.gen(function* () {
      const connection = yield* openCluster
      const prefix = makePrefix()
      const options = { prefix, address: "egress" }
      const [one, another] = yield* Effect.all([
        openLimiterOn(connection, options),
        openLimiterOn(connection, options),
      ])
      yield* Effect.forEach(
        webhooks,
        (at) =>
          Effect.all([one.send({ at }), another.send({ at }), one.send({ at })], {
            concurrency: "unbounded",
          }),
        { concurrency: "unbounded" },
      )
      expect([...one.lines, ...another.lines]).toEqual([])
      const nodes = yield* Effect.promise(getCluster)
      const counts = yield* Effect.forEach(nodes, (node) =>
        Effect.flatMap(openClient(node), (client) =>
          Effect.promise(async () => (await client.keys(`{${prefix}:1:*:*}`)).length),
        ),
      )
      expect(Math.min(...counts)).toBeGreaterThan(0)
    }),
  )

  itWithRedis(
    "is not used through one of its nodes",
    Effect.gen(function* () {
      for (const { url } of yield* Effect.promise(getCluster)) {
        const error = yield* failToConnect(url)
        expect(error).toMatchObject({ _tag: "DiscordRedisError", reason: "invalid" })
        expect(error.message).toContain("RedisConnection.layerClient with a Cluster of ioredis")
      }
    }),
  )

  itWithRedis(
    "of one node is like a server",
    Effect.gen(function* () {
      const [node] = yield* Effect.acquireRelease(
        Effect.promise(() => startCluster(1)),
        ([one]) => Effect.promise(() => one!.kill()),
      )
      const prefix = makePrefix()
      const [one, another] = yield* Effect.all([
        openLimiter(node!, { prefix }),
        openLimiter(node!, { prefix }),
      ])
      for (const { send } of [one, another, one]) yield* send()
      expect([...one.lines, ...another.lines]).toEqual([])
    }),
  )
})
