import { it } from "@effect/vitest"
import * as HttpClient from "@effect/platform/HttpClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { describe, expect } from "vitest"
import { Component, RateLimiter, RestConfig, Strategy, Webhook } from "../../src/index.js"
import { DiscordSimulator, Fault } from "../../src/testing/index.js"
import { isLowestPeers } from "../support/peers.js"

const layer = Layer.mergeAll(
  DiscordSimulator.layerTest,
  RateLimiter.layerMemory,
  Strategy.layerProactive,
)

/** A webhook in a simulator of its own; time passes as it must. */
const withHook = <A, E, R>(
  options: DiscordSimulator.WebhookOptions,
  use: (
    hook: Webhook.Webhook,
    simulator: DiscordSimulator.Service,
    simulated: DiscordSimulator.SimulatedWebhook,
  ) => Effect.Effect<A, E, R>,
) =>
  Effect.gen(function* () {
    const simulator = yield* DiscordSimulator.DiscordSimulator
    const simulated = yield* simulator.createWebhook(options)
    const hook = yield* Webhook.fromUrl(simulated.url)
    const fiber = yield* Effect.fork(use(hook, simulator, simulated))
    yield* TestClock.adjust("1 hour")
    return yield* Fiber.join(fiber)
  }).pipe(Effect.provide(layer))

const lastRequest = (simulator: DiscordSimulator.Service) =>
  Effect.map(simulator.traffic, (traffic) => traffic.at(-1))

describe("send", () => {
  it.effect("returns the stored message", () =>
    withHook({}, (hook, simulator, { channelId }) =>
      Effect.gen(function* () {
        const message = yield* Webhook.send(hook, {
          content: "hello",
          username: "Ada",
          embeds: [{ title: "Build 7", color: "#57f287", fields: [{ name: "a", value: "b" }] }],
        })
        expect(message).toMatchObject({
          content: "hello",
          channelId,
          webhookId: hook.id,
          author: { username: "Ada" },
          embeds: [{ title: "Build 7", color: 0x57f287 }],
        })
        expect(yield* lastRequest(simulator)).toMatchObject({
          operation: "execute",
          query: { wait: "true" },
          body: { content: "hello", username: "Ada" },
          headers: { "content-type": "application/json" },
        })
      }),
    ),
  )

  it.effect("without waiting returns nothing, and the message is stored", () =>
    withHook({}, (hook, simulator, simulated) =>
      Effect.gen(function* () {
        const nothing: void = yield* Webhook.send(hook, { content: "hello" }, { wait: false })
        expect(nothing).toBeUndefined()
        expect(yield* lastRequest(simulator)).toMatchObject({ query: {}, status: 204 })
        expect(yield* simulator.messages(simulated)).toHaveLength(1)
      }),
    ),
  )

  it.effect("accepts a 200 with a body for wait: false, which Discord sends for files", () =>
    withHook({}, (hook, simulator) =>
      Effect.gen(function* () {
        yield* simulator.inject(Fault.respond({ status: 200, body: { id: "1" } }))
        yield* Webhook.send(hook, { content: "hello" }, { wait: false })
      }),
    ),
  )

  it.effect("that waits and gets 204 fails with an error that the message was stored", () =>
    withHook({}, (hook, simulator) =>
      Effect.gen(function* () {
        yield* simulator.inject(Fault.respond({ status: 204 }))
        const error = yield* Effect.flip(Webhook.send(hook, { content: "hello" }))
        expect(error).toMatchObject({
          _tag: "DiscordDecodeError",
          delivered: "yes",
          issues: [{ path: "", message: "the body is empty" }],
        })
      }),
    ),
  )

  it.effect("sets with_components when it sends components", () =>
    withHook({}, (hook, simulator) =>
      Effect.gen(function* () {
        const message = yield* Webhook.send(hook, { components: [Component.text("hi")] })
        expect(message.components).toHaveLength(1)
        expect(yield* lastRequest(simulator)).toMatchObject({
          query: { wait: "true", with_components: "true" },
        })
      }),
    ),
  )

  it.effect("goes to the thread of the option, of the URL, or of neither", () =>
    withHook({}, (hook, simulator, simulated) =>
      Effect.gen(function* () {
        const one = yield* simulator.createThread(simulated)
        const two = yield* simulator.createThread(simulated)
        const inOne = yield* Webhook.fromUrl(`${simulated.url}?thread_id=${one.id}`)
        const content = "hello"
        const places = [
          yield* Webhook.send(hook, { content }, { threadId: one.id }),
          yield* Webhook.send(inOne, { content }),
          yield* Webhook.send(inOne, { content }, { threadId: two.id }),
          yield* Webhook.send(inOne, { content }, { threadId: null }),
          yield* Webhook.send(hook, { content }),
        ].map(({ channelId }) => channelId)
        const { channelId } = simulated
        expect(places).toEqual([one.id, one.id, two.id, channelId, channelId])
      }),
    ),
  )

  it.effect("starts a thread in a forum", () =>
    withHook({ channel: "forum" }, (hook) =>
      Effect.gen(function* () {
        const message = yield* Webhook.send(hook, { content: "first", threadName: "news" })
        const reply = yield* Webhook.send(
          hook,
          { content: "second" },
          { threadId: message.channelId },
        )
        expect(reply.channelId).toBe(message.channelId)
      }),
    ),
  )

  it.effect.skipIf(isLowestPeers)(
    "keeps the order of messages that are sent at once, through limits and failures",
    () =>
      withHook({}, (hook, simulator, simulated) =>
        Effect.gen(function* () {
          yield* simulator.inject(Fault.refuseConnection, {
            match: (target) => target.sequence === 3,
          })
          yield* simulator.inject(
            Fault.respond({
              status: 429,
              headers: { "retry-after": "4", "x-ratelimit-scope": "shared" },
              body: { message: "slow", retry_after: 3.2, global: false },
            }),
            { match: (target) => target.sequence === 8 },
          )
          const texts = Array.from({ length: 20 }, (_, n) => `message ${n}`)
          yield* Effect.forEach(texts, (content) => Webhook.send(hook, { content }), {
            concurrency: "unbounded",
          })
          const stored = yield* simulator.messages(simulated)
          expect(stored.map(({ content }) => content)).toEqual(texts)
        }),
      ),
  )
})

describe("nothing is sent", () => {
  const refused = <A>(
    operation: (hook: Webhook.Webhook) => Webhook.Operation<A>,
    issues: ReadonlyArray<{ readonly path: string; readonly message?: string }>,
  ) =>
    withHook({}, (hook, simulator) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(operation(hook))
        expect(error).toMatchObject({ _tag: "WebhookValidationError", issues })
        expect(yield* simulator.traffic).toEqual([])
      }),
    )

  it.effect("when a message breaks limits, and every one of them is named", () =>
    refused(
      (hook) =>
        Webhook.send(hook, {
          content: "x".repeat(2001),
          embeds: [{ fields: [{ name: "x".repeat(257), value: "ok" }] }],
        }),
      [
        { path: "content", message: "at most 2000 code points, got 2001" },
        { path: "embeds[0].fields[0].name", message: "at most 256 code points, got 257" },
      ],
    ),
  )

  it.effect("when thousands of fields are wrong, which are counted and not all kept", () =>
    Effect.gen(function* () {
      const wrong = Object.fromEntries(Array.from({ length: 9000 }, (_, n) => [`k${n}`, n]))
      const hook = yield* Webhook.make({ id: "1234", token: "token" })
      const request = Webhook.send(hook, { content: "x", ...wrong }).pipe(
        Effect.provide([RateLimiter.layerMemory, Strategy.layerReactive]),
        Effect.provideService(
          HttpClient.HttpClient,
          HttpClient.make(() => Effect.never),
        ),
      )
      const error = yield* Effect.flip(request)
      expect(error).toMatchObject({ _tag: "WebhookValidationError", omitted: 8900 })
      expect(error._tag === "WebhookValidationError" && error.issues).toHaveLength(100)
      expect(error.message).toContain("; and 8995 more")
    }),
  )

  it.effect("when there is nothing in it", () =>
    refused((hook) => Webhook.send(hook, {}), [{ path: "" }]),
  )

  const empty = { path: "", message: expect.stringContaining("nothing to send") as string }

  it.effect.each([null, undefined, 1, "hello", []])(
    "when untyped code passes %j instead of a message",
    (nonsense) =>
      refused(
        (hook) => Webhook.send(hook, nonsense as never),
        [{ path: "", message: expect.stringContaining("expected an object") as string }],
      ),
  )

  it.effect("when untyped code passes null instead of components", () =>
    refused(
      (hook) => Webhook.send(hook, { components: null as never }),
      [empty, { path: "components", message: "expected an array, got null" }],
    ),
  )

  it.effect.each([null, undefined, 1, "hello", []])(
    "when untyped code passes %j instead of changes",
    (nonsense) =>
      Effect.all([
        refused((hook) => Webhook.editMessage(hook, "1234", nonsense as never), [{ path: "" }]),
        refused((hook) => Webhook.modify(hook, nonsense as never), [{ path: "" }]),
      ]),
  )

  it.effect("when it goes to a thread and starts one", () =>
    refused(
      (hook) => Webhook.send(hook, { content: "x", threadName: "new" }, { threadId: "42" }),
      [{ path: "threadName" }],
    ),
  )

  it.effect.each(["", "general", "1/../2", "1?wait=true", "01"])(
    "when a thread id is %j",
    (threadId) =>
      refused((hook) => Webhook.send(hook, { content: "x" }, { threadId }), [{ path: "threadId" }]),
  )

  it.effect.each(["", "@original", "1/../../2", "1?x=1", "1#"])("when a message id is %j", (id) =>
    Effect.gen(function* () {
      const issue = [{ path: "messageId" }]
      yield* refused((hook) => Webhook.getMessage(hook, id), issue)
      yield* refused((hook) => Webhook.editMessage(hook, id, { content: "x" }), issue)
      yield* refused((hook) => Webhook.deleteMessage(hook, id), issue)
    }),
  )

  it.effect("when several things are wrong, they come together", () =>
    refused(
      (hook) => Webhook.editMessage(hook, "x", { content: "x".repeat(2001) }, { threadId: "y" }),
      [{ path: "messageId" }, { path: "threadId" }, { path: "content" }],
    ),
  )

  it.effect("when a webhook's new name is rejected", () =>
    refused((hook) => Webhook.modify(hook, { name: "Clyde" }), [{ path: "name" }]),
  )
})

describe("a message", () => {
  it.effect("is read, edited and deleted", () =>
    withHook({}, (hook, simulator, simulated) =>
      Effect.gen(function* () {
        const { id } = yield* Webhook.send(hook, { content: "hello", embeds: [{ title: "x" }] })
        expect((yield* Webhook.getMessage(hook, id)).content).toBe("hello")
        const edited = yield* Webhook.editMessage(hook, id, { content: "bye" })
        expect(edited.content).toBe("bye")
        expect(edited.editedTimestamp).toBeDefined()
        yield* Webhook.deleteMessage(hook, id)
        expect(yield* simulator.messages(simulated)).toEqual([])
        expect(yield* Effect.flip(Webhook.getMessage(hook, id))).toMatchObject({
          _tag: "WebhookMessageNotFound",
          code: 10008,
        })
        expect((yield* Effect.flip(Webhook.deleteMessage(hook, id)))._tag).toBe(
          "WebhookMessageNotFound",
        )
      }),
    ),
  )

  it.effect("keeps what an edit leaves out, and loses what it sets to null", () =>
    withHook({}, (hook, simulator) =>
      Effect.gen(function* () {
        const { id } = yield* Webhook.send(hook, { content: "hello", embeds: [{ title: "x" }] })
        const kept = yield* Webhook.editMessage(hook, id, { content: "bye" })
        expect(kept.embeds).toHaveLength(1)
        expect((yield* lastRequest(simulator))?.body).toEqual({ content: "bye" })
        const cleared = yield* Webhook.editMessage(hook, id, { content: null })
        expect([cleared.content, cleared.embeds.length]).toEqual(["", 1])
        expect((yield* lastRequest(simulator))?.body).toEqual({ content: null })
      }),
    ),
  )

  it.effect("sets with_components when an edit contains components", () =>
    withHook({}, (hook, simulator) =>
      Effect.gen(function* () {
        const { id } = yield* Webhook.send(hook, { components: [Component.text("one")] })
        yield* Webhook.editMessage(hook, id, { components: [Component.text("two")] })
        expect((yield* lastRequest(simulator))?.query).toEqual({ with_components: "true" })
      }),
    ),
  )

  it.effect("in a thread is found only there", () =>
    withHook({}, (hook, simulator, simulated) =>
      Effect.gen(function* () {
        const { id: threadId } = yield* simulator.createThread(simulated)
        const { id } = yield* Webhook.send(hook, { content: "hello" }, { threadId })
        const lost = yield* Effect.flip(Webhook.getMessage(hook, id))
        expect(lost._tag).toBe("WebhookMessageNotFound")
        expect((yield* Webhook.getMessage(hook, id, { threadId })).id).toBe(id)
        yield* Webhook.editMessage(hook, id, { content: "bye" }, { threadId })
        yield* Webhook.deleteMessage(hook, id, { threadId })
      }),
    ),
  )

  it.effect("in a thread that is not there has no thread", () =>
    withHook({}, (hook) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Webhook.send(hook, { content: "x" }, { threadId: "42" }))
        expect(error).toMatchObject({ _tag: "WebhookThreadError", reason: "unknownThread" })
      }),
    ),
  )

  it.effect("in a forum needs a thread", () =>
    withHook({ channel: "forum" }, (hook) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Webhook.send(hook, { content: "x" }))
        expect(error).toMatchObject({ _tag: "WebhookThreadError", reason: "nameRequired" })
      }),
    ),
  )
})

describe("the webhook itself", () => {
  it.effect("is read, renamed and deleted, and then recorded as dead", () =>
    withHook({ name: "Builds" }, (hook, simulator) =>
      Effect.gen(function* () {
        expect(yield* Webhook.get(hook)).toMatchObject({ id: hook.id, name: "Builds" })
        const renamed = yield* Webhook.modify(hook, { name: "Deploys", avatar: null })
        expect(renamed.name).toBe("Deploys")
        yield* Webhook.delete(hook)
        const first = yield* Effect.flip(Webhook.send(hook, { content: "x" }))
        expect(first).toMatchObject({ _tag: "WebhookNotFound", webhookId: hook.id })
        yield* simulator.clearTraffic
        const again = yield* Effect.flip(Webhook.send(hook, { content: "x" }))
        expect(again).toMatchObject({ _tag: "WebhookNotFound", remembered: true })
        expect(yield* simulator.traffic).toEqual([])
      }),
    ),
  )

  it.effect("that responded with 10015 gets one request, not twenty", () =>
    withHook({}, (hook, simulator, simulated) =>
      Effect.gen(function* () {
        yield* simulator.deleteWebhook(simulated)
        const errors = yield* Effect.forEach(
          Array.from({ length: 20 }),
          () => Effect.flip(Webhook.send(hook, { content: "x" })),
          { concurrency: "unbounded" },
        )
        expect(new Set(errors.map(({ _tag }) => _tag))).toEqual(new Set(["WebhookNotFound"]))
        expect((yield* simulator.statistics).requests).toBe(1)
      }),
    ),
  )

  it.effect("whose deletion failed and then returned 10015 is deleted", () =>
    withHook({}, (hook, simulator) =>
      Effect.gen(function* () {
        yield* simulator.inject(Fault.respond({ status: 500, processed: true }))
        yield* Webhook.delete(hook)
      }),
    ),
  )
})

describe("duplicates", () => {
  it.effect.each([
    ["resetAfter", Fault.resetAfter],
    ["cutBody", Fault.truncateBody],
    ["a late answer", Fault.delay("2 minutes")],
    ["502 after the fact", Fault.respond({ status: 502, processed: true })],
    ["halfJson", Fault.truncatedJson],
    ["emptyBody", Fault.emptyBody],
  ] as const)("there are none after %s", ([, fault]) =>
    withHook({}, (hook, simulator, simulated) =>
      Effect.gen(function* () {
        yield* simulator.inject(fault)
        const error = yield* Effect.flip(Webhook.send(hook, { content: "once" }))
        expect(error).toMatchObject({ delivered: expect.stringMatching(/^(yes|unknown)$/) })
        expect(yield* simulator.messages(simulated)).toHaveLength(1)
        // The queue behind it goes on.
        yield* Webhook.send(hook, { content: "next" })
        expect(yield* simulator.messages(simulated)).toHaveLength(2)
      }),
    ),
  )

  it.effect("may be stored twice with at-least-once delivery", () =>
    withHook({}, (hook, simulator, simulated) =>
      Effect.gen(function* () {
        yield* simulator.inject(Fault.resetAfter)
        yield* Webhook.send(hook, { content: "twice" })
        expect(yield* simulator.messages(simulated)).toHaveLength(2)
      }).pipe(RestConfig.withOptions({ retry: "atLeastOnce" })),
    ),
  )
})

describe("waiting", () => {
  it.effect("longer than maxWait is not begun", () =>
    withHook({}, (hook, simulator) =>
      Effect.gen(function* () {
        const send = Webhook.send(hook, { content: "x" })
        yield* Effect.forEach(Array.from({ length: 5 }), () => send)
        yield* simulator.clearTraffic
        const [took, error] = yield* Effect.timed(Effect.flip(send))
        expect(error).toMatchObject({
          _tag: "WebhookRateLimited",
          reason: "maxWait",
          scope: "bucket",
        })
        expect(Duration.toMillis(took)).toBe(0)
        expect(yield* simulator.traffic).toEqual([])
      }).pipe(RestConfig.withOptions({ maxWait: "1 second" })),
    ),
  )

  it.effect("is interrupted at once, and the next one goes", () =>
    withHook({}, (hook, simulator, simulated) =>
      Effect.gen(function* () {
        const send = (content: string) => Webhook.send(hook, { content })
        yield* Effect.forEach(["1", "2", "3", "4", "5"], send)
        const waiting = yield* Effect.fork(send("interrupted"))
        const next = yield* Effect.fork(send("next"))
        yield* Effect.sleep("100 millis")
        const [took] = yield* Effect.timed(Fiber.interrupt(waiting))
        expect(Duration.toMillis(took)).toBe(0)
        yield* Fiber.join(next)
        const stored = yield* simulator.messages(simulated)
        expect(stored.map(({ content }) => content)).toEqual(["1", "2", "3", "4", "5", "next"])
      }),
    ),
  )

  it.effect("concurrently is possible by option", () =>
    withHook({}, (hook, simulator) =>
      Effect.gen(function* () {
        yield* simulator.configure({ latency: "200 millis" })
        const five = Effect.forEach(
          Array.from({ length: 5 }),
          () => Webhook.send(hook, { content: "x" }),
          { concurrency: "unbounded" },
        )
        const [ordered] = yield* Effect.timed(five)
        yield* Effect.sleep("1 minute")
        const [concurrent] = yield* Effect.timed(
          five.pipe(RestConfig.withOptions({ delivery: "concurrent" })),
        )
        expect(Duration.toMillis(ordered)).toBe(1000)
        expect(Duration.toMillis(concurrent)).toBeLessThanOrEqual(400)
      }),
    ),
  )
})
