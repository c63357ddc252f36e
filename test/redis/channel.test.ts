/** Two processes, each with a webhook of its own, whose channel has a limit that no header shows. */
import { setTimeout as delay } from "node:timers/promises"
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Redis } from "ioredis"
import { isThorough } from "../support/laws.js"
import { hasRedis } from "../support/redis.js"
import { getProgram } from "../support/ChildProgram.js"
import { openServers } from "./openServers.js"
import { SenderProcess } from "./SenderProcess.js"

const hidden = { limit: 6, period: "1 second" } as const
/** Messages of a round; the limit is known when it has been reached twice. */
const each = 2 * hidden.limit + 1
const prefix = "channel"

it.scopedLive.skipIf(!hasRedis || !isThorough)(
  "processes keep the limit of a channel together, and one goes on without a killed one",
  () =>
    Effect.gen(function* () {
      const { baseUrl, redis, simulator } = yield* openServers({
        limits: { execute: { limit: 5, period: "100 millis" } },
        hiddenLimit: hidden,
      })
      const program = yield* Effect.promise(() => getProgram("test/redis/redisProcess.ts"))
      const first = yield* simulator.createWebhook()
      const { channelId } = first
      const second = yield* simulator.createWebhook({ channelId })
      const makeProcess = (name: string, { id, token }: typeof first) => {
        const settings = {
          name,
          baseUrl,
          redisUrl: redis.url,
          prefix,
          lease: "2 seconds",
          idleAfter: "1 seconds",
          webhook: { id, token },
          messages: each,
          rounds: 100,
        } as const
        return Effect.acquireRelease(
          Effect.sync(() => new SenderProcess(program, settings)),
          (process) => Effect.promise(() => process.kill()),
        )
      }
      const one = yield* makeProcess("one", first)
      const other = yield* makeProcess("other", second)
      const client = yield* Effect.acquireRelease(
        Effect.sync(() => new Redis(redis.url)),
        (made) => Effect.sync(() => made.disconnect()),
      )
      const limited = async () => (await Effect.runPromise(simulator.statistics)).byStatus[429] ?? 0
      const reached = async (process: SenderProcess, sent: number) => {
        while (process.sent < sent) await delay(10)
      }
      const readTurn = () => client.hgetall(`{${prefix}:1:channel.${channelId}}`)
      /** Whether the state of the channel counts the messages of both webhooks. */
      const isCommon = async () => {
        const { state = "" } = await readTurn()
        return [first, second].every(({ id }) => state.includes(`"${id}:`))
      }
      /** Whether the turn is that of the only process that is alive. */
      const hasTurnAlone = async () => {
        const alive = await client.keys(`{${prefix}:1:process:*}`)
        const { owner } = await readTurn()
        return alive.length === 1 && alive[0] === `{${prefix}:1:process:${owner}}`
      }

      yield* Effect.promise(async () => {
        await Promise.all([one.started(), other.started()])
        for (const process of [one, other]) {
          process.send()
          await reached(process, each)
        }
        // Each knows the limit by now, unless the machine was busy. Then they count in one state.
        let round = 2
        let refused = 0
        for (; round < 10 && !(await isCommon()); round += 1) {
          const before = await limited()
          one.send()
          other.send()
          await Promise.all([reached(one, round * each), reached(other, round * each)])
          refused = (await limited()) - before
        }
        expect(await isCommon()).toBe(true)
        // Usually 4, which are probes, since the period is not Discord's minute.
        expect(refused).toBeLessThan(each)

        one.send()
        other.send()
        await reached(one, one.sent + 4)
        await one.kill()
        for (; round < 20; round += 1) {
          await reached(other, round * each)
          if (await hasTurnAlone()) break
          other.send()
        }
        expect(await hasTurnAlone()).toBe(true)
        const messages = await Effect.runPromise(simulator.messages(second))
        expect(messages.map(({ content }) => content)).toEqual(
          messages.map((_, index) => `other-${index}`),
        )
      })
    }),
)
