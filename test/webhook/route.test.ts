/** `Webhook.route` equals the route that a request passes to the limiter. */
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { InteractionWebhook, RateLimiter, Strategy, Webhook } from "../../src/index.js"
import type { Route } from "../../src/ratelimit/Route.js"
import * as DiscordSimulator from "../../src/testing/DiscordSimulator.js"

/** The limiter, and the routes of the permits that were requested. */
const recorded = Effect.gen(function* () {
  const limiter = yield* RateLimiter.RateLimiter
  const routes: Array<Route> = []
  const recording: RateLimiter.Service = {
    ...limiter,
    snapshot: limiter.snapshot,
    withPermit: (route, options, use) => {
      routes.push(route)
      return limiter.withPermit(route, options, use)
    },
  }
  return { recording, routes }
})

const message = { content: "hello" }
const id = "1234"
const sender = { id: 1, login: "octocat", html_url: "https://github.com/octocat", avatar_url: "" }

const operations: Readonly<
  Record<Webhook.OperationName, (hook: Webhook.Webhook) => Webhook.Operation<unknown>>
> = {
  send: (hook) => Webhook.send(hook, message),
  sendSlack: (hook) => Webhook.sendSlack(hook, { text: "hello" }),
  sendGitHub: (hook) => Webhook.sendGitHub(hook, "push", { sender }),
  getMessage: (hook) => Webhook.getMessage(hook, id),
  editMessage: (hook) => Webhook.editMessage(hook, id, message),
  deleteMessage: (hook) => Webhook.deleteMessage(hook, id),
  get: Webhook.get,
  modify: (hook) => Webhook.modify(hook, { name: "other" }),
  delete: Webhook.delete,
}

const interactionOperations = {
  send: (hook: InteractionWebhook.InteractionWebhook) => InteractionWebhook.send(hook, message),
  getMessage: InteractionWebhook.getMessage,
  editMessage: (hook: InteractionWebhook.InteractionWebhook, messageId: string) =>
    InteractionWebhook.editMessage(hook, messageId, message),
  deleteMessage: InteractionWebhook.deleteMessage,
} as const

const routesOf = <A, E>(run: Effect.Effect<A, E, Webhook.Requirements>) =>
  Effect.gen(function* () {
    const { recording, routes } = yield* recorded
    const fiber = yield* Effect.fork(Effect.provideService(run, RateLimiter.RateLimiter, recording))
    yield* TestClock.adjust("1 minute")
    yield* Fiber.interrupt(fiber)
    return routes
  })

const layer = Layer.mergeAll(
  DiscordSimulator.layerTest,
  RateLimiter.layerMemory,
  Strategy.layerReactive,
)

const hook = Effect.flatMap(DiscordSimulator.DiscordSimulator, (simulator) =>
  Effect.flatMap(simulator.createWebhook(), ({ url }) => Webhook.fromUrl(url)),
)

const interaction = InteractionWebhook.make({ applicationId: "42", token: "interaction-token" })

it.layer(layer)("the route of an operation", (test) => {
  for (const name of Object.keys(operations) as Array<Webhook.OperationName>) {
    test.effect(`${name}: is the one that its permit is for`, () =>
      Effect.gen(function* () {
        const one = yield* hook
        expect(yield* routesOf(operations[name](one))).toEqual([Webhook.route(one, name)])
      }),
    )
  }

  for (const name of Object.keys(interactionOperations) as Array<
    keyof typeof interactionOperations
  >) {
    for (const messageId of ["@original", id]) {
      test.effect(
        `${name} of an interaction, ${messageId}: is the one that its permit is for`,
        () =>
          Effect.gen(function* () {
            const one = yield* interaction
            const routes = yield* routesOf(interactionOperations[name](one, messageId))
            expect(routes).toEqual([InteractionWebhook.route(one, name, messageId)])
            expect(routes[0]?.kind).toBe("interaction")
          }),
      )
    }
  }

  test.effect("leads to its bucket in one line", () =>
    Effect.gen(function* () {
      const one = yield* hook
      expect(yield* RateLimiter.getBucket(Webhook.route(one))).toEqual(Option.none())
      yield* Webhook.send(one, message)
      const bucket = yield* RateLimiter.getBucket(Webhook.route(one))
      expect(Option.getOrThrow(bucket)).toMatchObject({ limit: 5, remaining: 4 })
      expect((yield* RateLimiter.snapshot).buckets).toBeGreaterThan(0)
      expect(yield* RateLimiter.estimate(Webhook.route(one))).toEqual(Duration.zero)
      yield* RateLimiter.clear(Webhook.route(one))
      const cleared = Option.getOrThrow(yield* RateLimiter.getBucket(Webhook.route(one)))
      expect(cleared.limit).toBeUndefined()
    }),
  )
})

describe("the route of something else", () => {
  it("is a TypeError that explains how to make a webhook", () => {
    expect(() => Webhook.route(undefined as never)).toThrow(
      "Webhook.route: expected a Webhook, got undefined: make one with Webhook.config",
    )
    expect(() => InteractionWebhook.route(undefined as never)).toThrow(
      "InteractionWebhook.route: expected an InteractionWebhook",
    )
  })
})
