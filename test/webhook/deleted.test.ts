/** A webhook that the program itself has deleted. */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { DryRun, RateLimiter, Strategy, Webhook } from "../../src/index.js"

const hello = { content: "hello" }
const limiter = Layer.mergeAll(RateLimiter.layerMemory, Strategy.layerReactive)

/** Returns 204 to everything, a second later, and counts. */
const counting = () => {
  const sent: Array<string> = []
  const client = HttpClient.make((request) =>
    Effect.sync(() => {
      sent.push(request.method)
      return HttpClientResponse.fromWeb(request, new Response(null, { status: 204 }))
    }).pipe(Effect.delay("1 second")),
  )
  return { sent, layer: Layer.merge(Layer.succeed(HttpClient.HttpClient, client), limiter) }
}

describe("after Webhook.delete", () => {
  it.effect("requests fail without being sent, those that wait as well", () => {
    const { layer, sent } = counting()
    return Effect.gen(function* () {
      const hook = yield* Webhook.make({ id: "42", token: "a-token" })
      const deleting = yield* Effect.fork(Webhook.delete(hook))
      yield* TestClock.adjust(0)
      const waiting = yield* Effect.fork(Effect.flip(Webhook.send(hook, hello)))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(deleting)
      const errors = [
        yield* Fiber.join(waiting),
        yield* Effect.flip(Webhook.send(hook, hello)),
        yield* Effect.flip(Webhook.get(hook)),
      ]
      for (const error of errors) {
        expect(error).toMatchObject({ _tag: "WebhookNotFound", remembered: true, code: 10015 })
      }
      expect(sent).toEqual(["DELETE"])
    }).pipe(Effect.provide(layer))
  })

  it.effect("other webhooks, and a webhook whose message was deleted, go on", () => {
    const { layer, sent } = counting()
    return Effect.gen(function* () {
      const hook = yield* Webhook.make({ id: "42", token: "a-token" })
      const other = yield* Webhook.make({ id: "43", token: "a-token" })
      const all = Effect.all([
        Webhook.deleteMessage(hook, "1"),
        Webhook.send(hook, hello, { wait: false }),
        Webhook.delete(hook),
        Webhook.send(other, hello, { wait: false }),
      ])
      const fiber = yield* Effect.fork(all)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      expect(sent).toEqual(["DELETE", "POST", "DELETE", "POST"])
    }).pipe(Effect.provide(layer))
  })

  it.effect("in a dry run, the webhook is still there", () =>
    Effect.gen(function* () {
      const hook = yield* Webhook.make({ id: "42", token: "a-token" })
      yield* Webhook.delete(hook)
      yield* Webhook.send(hook, hello)
    }).pipe(Effect.provide(Layer.merge(DryRun.layer, limiter))),
  )
})
