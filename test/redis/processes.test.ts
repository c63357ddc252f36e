/** Processes that share the limit of one webhook, while one of them or Redis fails. */
import { setTimeout as delay } from "node:timers/promises"
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Redis } from "ioredis"
import type { DiscordSimulator } from "../../src/testing/index.js"
import { isThorough, runs } from "../support/laws.js"
import { hasRedis, type RedisServer } from "../support/redis.js"
import { getProgram } from "../support/ChildProgram.js"
import { openServers } from "./openServers.js"
import { SenderProcess } from "./SenderProcess.js"

/** Messages of each process; more in the weekly run of CI. */
const each = 6 + runs(10)
const limit = { limit: 5, period: 500 }
const lease = 2000

interface Arrived {
  readonly process: string
  readonly number: number
}

class Group {
  readonly redis: RedisServer
  readonly members: ReadonlyArray<SenderProcess>
  readonly #simulator: DiscordSimulator.Service
  readonly #webhook: DiscordSimulator.SimulatedWebhook

  constructor(
    redis: RedisServer,
    members: ReadonlyArray<SenderProcess>,
    simulator: DiscordSimulator.Service,
    webhook: DiscordSimulator.SimulatedWebhook,
  ) {
    this.redis = redis
    this.members = members
    this.#simulator = simulator
    this.#webhook = webhook
  }

  /** The messages in the order of arrival. */
  async arrived(): Promise<ReadonlyArray<Arrived>> {
    const messages = await Effect.runPromise(this.#simulator.messages(this.#webhook))
    return messages.map(({ content }) => {
      const [process = "", number = ""] = String(content).split("-")
      return { process, number: Number(number) }
    })
  }

  /** Waits for a moment in the middle of the work. */
  async reached(count: number): Promise<void> {
    while ((await this.arrived()).length < count) await delay(5)
  }

  async limited(): Promise<number> {
    return (await Effect.runPromise(this.#simulator.statistics)).byStatus[429] ?? 0
  }

  /** Waits until the members have ended, and checks that theirs arrived once, and in order. */
  async check(members = this.members): Promise<void> {
    await Promise.all(members.map((member) => member.ended()))
    const arrived = await this.arrived()
    for (const { name } of members) {
      const own = arrived.filter(({ process }) => process === name)
      expect({ name, numbers: own.map(({ number }) => number) }).toEqual({
        name,
        numbers: Array.from({ length: each }, (_, number) => number),
      })
    }
    expect(await this.limited()).toBe(0)
  }
}

let groups = 0

/** Three processes, which have started and send at the same time. */
const makeGroup: Effect.Effect<Group, never, Scope.Scope> = Effect.gen(function* () {
  const { baseUrl, redis, simulator } = yield* openServers({ limits: { execute: limit } })
  const webhook = yield* simulator.createWebhook()
  const program = yield* Effect.promise(() => getProgram("test/redis/redisProcess.ts"))
  groups += 1
  const settings = {
    baseUrl,
    redisUrl: redis.url,
    prefix: `processes-${groups}`,
    lease: `${lease / 1000} seconds`,
    idleAfter: "1 seconds",
    webhook: { id: webhook.id, token: webhook.token },
    messages: each,
    rounds: 1,
  } as const
  const members = ["a", "b", "c"].map((name) => new SenderProcess(program, { ...settings, name }))
  yield* Effect.addFinalizer(() =>
    Effect.promise(() => Promise.all(members.map((member) => member.kill()))),
  )
  yield* Effect.promise(() => Promise.all(members.map((member) => member.started())))
  for (const member of members) member.send()
  return new Group(redis, members, simulator, webhook)
})

const test = (title: string, run: (group: Group) => Promise<void>) =>
  it.skipIf(!hasRedis || !isThorough)(title, () =>
    Effect.runPromise(
      Effect.scoped(Effect.flatMap(makeGroup, (group) => Effect.promise(() => run(group)))),
    ),
  )

describe("processes that share the limit of a webhook through Redis", () => {
  test("undisturbed: no 429, the order of each, and nothing that Redis keeps for ever", async (group) => {
    await group.check()
    expect(await group.arrived()).toHaveLength(3 * each)
    const client = new Redis(group.redis.url)
    try {
      // The time of the last loss is kept for the prefix, however many webhooks there are.
      const all = await client.keys("*")
      const keys = all.filter((key) => !key.endsWith(":lost}"))
      expect(all.length - keys.length).toBe(1)
      const left = await Promise.all(keys.map((key) => client.pttl(key)))
      expect(Math.min(...left)).toBeGreaterThan(0)
      expect(Math.max(...left)).toBeLessThan(
        2 * lease + 2 * limit.period + Duration.toMillis("1 minute"),
      )
    } finally {
      client.disconnect()
    }
  })

  test("one is killed: the others send everything", async (group) => {
    const [victim, ...others] = group.members
    await group.reached(8)
    await victim?.kill()
    await group.check(others)
  })

  test("one stops for longer than its lease: nothing is lost, and each keeps its own order", async (group) => {
    const [stopped, ...others] = group.members
    await group.reached(8)
    stopped?.signal("SIGSTOP")
    await Promise.all([group.check(others), delay(2 * lease)])
    stopped?.signal("SIGCONT")
    await group.check()
  })

  test("Redis crashes and starts again: everything arrives", async (group) => {
    await group.reached(8)
    await group.redis.kill()
    await group.redis.start()
    await group.check()
  })
})
