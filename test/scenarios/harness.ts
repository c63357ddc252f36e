/** The whole stack before a simulated Discord, once for each strategy and each delivery. */
import { it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { RateLimiter, RestConfig, Strategy, Webhook } from "../../src/index.js"
import { DiscordSimulator } from "../../src/testing/index.js"
import { inTurns } from "../support/laws.js"

/** A new strategy joins every scenario by a line here. */
export const strategies = {
  reactive: Strategy.layerReactive,
  proactive: Strategy.layerProactive,
  adaptive: Strategy.layerAdaptive,
} as const

export interface Way {
  readonly strategy: keyof typeof strategies
  readonly delivery: RestConfig.RestOptions["delivery"]
}

export const ways: ReadonlyArray<Way> = (["reactive", "proactive", "adaptive"] as const).flatMap(
  (strategy) => (["ordered", "concurrent"] as const).map((delivery) => ({ strategy, delivery })),
)

export const nameOf = ({ strategy, delivery }: Way): string => `${strategy}, ${delivery}`

/** A limiter of its own, and a strategy; the network comes from elsewhere. */
export const stack = (
  way: Way,
  options: Partial<RestConfig.RestOptions> = {},
  limiter: RateLimiter.Options = {},
) =>
  Layer.mergeAll(
    RateLimiter.layerMemoryWith(limiter),
    strategies[way.strategy],
    RestConfig.layerWith({ delivery: way.delivery, ...options }),
  )

export interface Setting {
  readonly simulator?: DiscordSimulator.Options
  readonly rest?: Partial<RestConfig.RestOptions>
  readonly limiter?: RateLimiter.Options
  readonly skip?: boolean
}

export type Story<A, E> = (
  simulator: DiscordSimulator.Service,
  way: Way,
) => Effect.Effect<A, E, Layer.Layer.Success<ReturnType<typeof everything>> | Scope.Scope>

const everything = (way: Way, setting: Setting) =>
  Layer.merge(
    DiscordSimulator.layerTestWith(setting.simulator ?? {}),
    stack(way, setting.rest, setting.limiter),
  )

/**
 * The ways of a scenario: all of them in CI. While typing two of the six, with two strategies and both
 * deliveries, which depend on the letters of the name.
 */
export const waysOf = (name: string): ReadonlyArray<Way> => {
  const letters = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0)
  return inTurns(ways, letters, 3)
}

/** One test for each way. */
export const inEveryWay = <E>(name: string, setting: Setting, story: Story<void, E>): void => {
  for (const way of waysOf(name)) {
    it.scoped.skipIf(setting.skip === true)(`${name} [${nameOf(way)}]`, () =>
      Effect.flatMap(DiscordSimulator.DiscordSimulator, (simulator) => story(simulator, way)).pipe(
        Effect.provide(everything(way, setting)),
      ),
    )
  }
}

/** A new webhook of the simulator, with its credentials. */
export const newHook = (simulator: DiscordSimulator.Service) =>
  Effect.flatMap(simulator.createWebhook(), (made) =>
    Effect.map(Webhook.fromUrl(made.url), (hook) => ({ made, hook })),
  )

/** Runs it while this much time passes; fails when it has not come to an end by then. */
export const within = <A, E, R>(
  time: Duration.DurationInput,
  effect: Effect.Effect<A, E, R>,
): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(effect)
    yield* TestClock.adjust(time)
    const exit = yield* fiber.poll
    if (exit._tag === "None") {
      yield* Fiber.interruptFork(fiber)
      return yield* Effect.dieMessage(`still running after ${String(time)}`)
    }
    return yield* exit.value
  })

/** How long it took, in milliseconds, beside what it came to. */
export const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const start = yield* Clock.currentTimeMillis
    const value = yield* effect
    return { value, took: (yield* Clock.currentTimeMillis) - start }
  })

/** Sends texts at once, in this order. */
export const sendAll = (hook: Webhook.Webhook, texts: ReadonlyArray<string>) =>
  Effect.forEach(texts, (content) => Webhook.send(hook, { content }), {
    concurrency: "unbounded",
  })

export const texts = (count: number, prefix = "m"): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`)

export const contents = (messages: ReadonlyArray<Readonly<Record<string, unknown>>>) =>
  messages.map((message) => message["content"])

export const sends = (traffic: ReadonlyArray<DiscordSimulator.TrafficRecord>) =>
  traffic.filter(({ operation }) => operation === "execute")

/** The fields of an error: failures are proxies, which `expect` cannot show. */
export const fields = (error: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(error))
