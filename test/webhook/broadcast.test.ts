import { it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { describe, expect } from "vitest"
import { DryRun, FileUpload, RateLimiter, Strategy, Webhook } from "../../src/index.js"
import { DiscordSimulator, Fault } from "../../src/testing/index.js"
import { contents, newHook, within } from "../scenarios/harness.js"

const world = (options: DiscordSimulator.Options = {}) =>
  Layer.mergeAll(
    DiscordSimulator.layerTestWith(options),
    RateLimiter.layerMemory,
    Strategy.layerProactive,
  )

type Hooks = ReadonlyArray<Effect.Effect.Success<ReturnType<typeof newHook>>>

/** With this number of webhooks, each in its own channel. */
const withHooks = <A, E, R>(
  count: number,
  use: (hooks: Hooks, simulator: DiscordSimulator.Service) => Effect.Effect<A, E, R>,
  options: DiscordSimulator.Options = {},
) =>
  Effect.gen(function* () {
    const simulator = yield* DiscordSimulator.DiscordSimulator
    const hooks = yield* Effect.replicateEffect(newHook(simulator), count)
    return yield* use(hooks, simulator)
  }).pipe(Effect.provide(world(options)))

const arrivedAt = (hooks: Hooks, simulator: DiscordSimulator.Service) =>
  Effect.forEach(hooks, ({ made }) => Effect.map(simulator.messages(made), contents))

describe("a broadcast", () => {
  it.effect("sends to every webhook, and returns each stored message", () =>
    withHooks(25, (hooks, simulator) =>
      Effect.gen(function* () {
        const all = hooks.map(({ hook }) => hook)
        const { dead, results } = yield* within(
          "1 minute",
          Webhook.broadcast(all, { content: "hello" }),
        )
        expect(results.map(({ webhook }) => webhook)).toEqual(all)
        for (const { exit, webhook } of results) {
          expect(Exit.getOrElse(exit, () => undefined)).toMatchObject({
            content: "hello",
            webhookId: webhook.id,
          })
        }
        expect(dead).toEqual([])
        expect(yield* arrivedAt(hooks, simulator)).toEqual(hooks.map(() => ["hello"]))
      }),
    ),
  )

  it.effect("sends nothing to no webhook", () =>
    withHooks(0, (_, simulator) =>
      Effect.gen(function* () {
        const result = yield* Webhook.broadcast([], { content: "hello" })
        expect(result).toEqual({ results: [], dead: [] })
        expect(yield* simulator.traffic).toEqual([])
      }),
    ),
  )

  it.effect("sends once to equal webhooks, and twice to two threads of one", () =>
    withHooks(2, ([first, second], simulator) =>
      Effect.gen(function* () {
        const { id } = yield* simulator.createThread(first!.made)
        const inThread = yield* Webhook.fromUrl(`${first!.made.url}?thread_id=${id}`)
        const again = yield* Webhook.fromUrl(first!.made.url)
        const { results } = yield* within(
          "1 minute",
          Webhook.broadcast([second!.hook, first!.hook, inThread, again, second!.hook], {
            content: "hello",
          }),
        )
        expect(results.map(({ webhook }) => webhook)).toEqual([second!.hook, first!.hook, inThread])
        expect(yield* arrivedAt([first!, second!], simulator)).toEqual([
          ["hello", "hello"],
          ["hello"],
        ])
      }),
    ),
  )

  it.effect("continues after failures, and lists the dead webhooks", () =>
    withHooks(4, (hooks, simulator) =>
      Effect.gen(function* () {
        const [deleted, revoked, failing, healthy] = hooks
        yield* simulator.deleteWebhook(deleted!.made)
        const wrongToken = yield* Webhook.make({ id: revoked!.made.id, token: "not-the-token" })
        yield* simulator.inject(
          Fault.respond({ status: 403, body: { message: "no", code: 50013 } }),
          {
            match: ({ webhookId }) => webhookId === failing!.made.id,
          },
        )
        const { dead, results } = yield* within(
          "1 minute",
          Webhook.broadcast([deleted!.hook, wrongToken, failing!.hook, healthy!.hook], {
            content: "hello",
          }),
        )
        const tags = results.map(({ exit }) => tagOf(exit))
        expect(tags).toEqual(["WebhookNotFound", "WebhookUnauthorized", "WebhookForbidden", "sent"])
        expect(dead).toEqual([deleted!.hook, wrongToken])
      }),
    ),
  )

  it.effect("of an invalid message sends nothing, and fails for each", () =>
    withHooks(3, (hooks, simulator) =>
      Effect.gen(function* () {
        const all = hooks.map(({ hook }) => hook)
        const { dead, results } = yield* Webhook.broadcast(all, { content: "x".repeat(2001) })
        for (const { exit } of results) expect(tagOf(exit)).toBe("WebhookValidationError")
        expect(dead).toEqual([])
        expect(yield* simulator.traffic).toEqual([])
      }),
    ),
  )

  it.effect("sends to at most the given number at once", () => {
    const most = (concurrency: number | "unbounded" | undefined) =>
      withHooks(
        30,
        (hooks, simulator) =>
          Effect.gen(function* () {
            const all = hooks.map(({ hook }) => hook)
            yield* Effect.forkScoped(Webhook.broadcast(all, { content: "hello" }, { concurrency }))
            yield* TestClock.adjust("500 millis")
            return (yield* simulator.statistics).requests
          }),
        { latency: "1 second" },
      ).pipe(Effect.scoped)
    return Effect.gen(function* () {
      // The first answer is still on its way: these are all that have begun.
      expect(yield* most(3)).toBe(3)
      expect(yield* most(undefined)).toBe(10)
      expect(yield* most("unbounded")).toBe(30)
    })
  })

  it.effect("brings its files to each", () =>
    Effect.gen(function* () {
      const hooks = yield* Effect.forEach(["1", "2", "3"], (id) =>
        Webhook.make({ id, token: `token-of-${id}` }),
      )
      const files = [FileUpload.fromText("a.txt", "hello")]
      yield* Webhook.broadcast(hooks, { content: "see file", files })
      const { requests } = yield* DryRun.DryRun
      const uploads = (yield* requests).map(
        ({ files: [file], webhookId }) => `${webhookId}: ${file?.size}`,
      )
      expect(new Set(uploads)).toEqual(new Set(["1: 5", "2: 5", "3: 5"]))
    }).pipe(Effect.provide([DryRun.layer, RateLimiter.layerMemory, Strategy.layerProactive])),
  )
})

describe("an interrupted broadcast", () => {
  it.effect("reports every webhook that it started, and leaves no fiber", () =>
    withHooks(
      20,
      (hooks, simulator) =>
        Effect.gen(function* () {
          const [silent] = hooks
          yield* simulator.inject(Fault.neverRespond, {
            match: ({ webhookId }) => webhookId === silent!.made.id,
            times: Infinity,
          })
          const reported: Array<Webhook.BroadcastResult> = []
          const broadcasting = yield* Effect.fork(
            Webhook.broadcast(
              hooks.map(({ hook }) => hook),
              { content: "hello" },
              {
                concurrency: 4,
                onResult: (result) =>
                  // Takes its time, and is not cut short.
                  Effect.zipRight(
                    Effect.yieldNow(),
                    Effect.sync(() => reported.push(result)),
                  ),
              },
            ),
          )
          // One is stuck, so three at a time: 9 are through after 3 seconds, 3 are under way.
          yield* TestClock.adjust("3500 millis")
          yield* Fiber.interrupt(broadcasting)

          const sent = reported.filter(({ exit }) => Exit.isSuccess(exit))
          const stopped = reported.filter(({ exit }) => Exit.isInterrupted(exit))
          expect([sent.length, stopped.length]).toEqual([9, 4])
          const unreported = hooks.filter(
            ({ hook }) => !reported.some(({ webhook }) => webhook === hook),
          )
          expect(yield* arrivedAt(unreported, simulator)).toEqual(unreported.map(() => []))
          const arrived = yield* arrivedAt(hooks, simulator)
          for (const [index, { hook }] of hooks.entries()) {
            if (sent.some(({ webhook }) => webhook === hook)) {
              expect(arrived[index]).toEqual(["hello"])
            }
          }
          const limiter = yield* RateLimiter.RateLimiter
          expect(yield* limiter.snapshot).toMatchObject({ waiting: 0, inFlight: 0 })
        }),
      { latency: "1 second" },
    ),
  )
})

/** The tag of the error, or what became of it else. */
function tagOf(exit: Webhook.BroadcastResult["exit"]): string {
  return Exit.match(exit, {
    onSuccess: () => "sent",
    onFailure: (cause) =>
      Option.match(Cause.failureOption(cause), {
        onNone: () => Cause.pretty(cause),
        onSome: ({ _tag }) => _tag,
      }),
  })
}
