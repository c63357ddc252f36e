/** How long a request holds its permit when its fiber is dropped and never settles it. */
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scheduler from "effect/Scheduler"
import * as TestClock from "effect/TestClock"
import { FileUpload, RateLimiter, RestConfig, Strategy, Webhook } from "../../src/index.js"
import { directNetwork, network, recordingLimiter, withHook } from "./network.js"
import type { Network } from "./network.js"

class DroppingScheduler extends Scheduler.MixedScheduler {
  isDropped = false

  override scheduleTask(...args: Parameters<Scheduler.Scheduler["scheduleTask"]>): void {
    if (!this.isDropped) super.scheduleTask(...args)
  }
}

const send = (message: Webhook.MessageInput) =>
  withHook((hook) => Webhook.send(hook, message, { wait: false }))

describe("the lease of a permit", () => {
  it.effect("ends a second after the timeout of the attempt", () =>
    Effect.gen(function* () {
      const scheduler = new DroppingScheduler(2048)
      yield* Effect.forkDaemon(send({ content: "x" })).pipe(Effect.withScheduler(scheduler))
      yield* TestClock.adjust("1 second")
      scheduler.isDropped = true
      const next = yield* Effect.fork(send({ content: "x" }))
      yield* TestClock.adjust("9999 millis")
      expect(yield* Fiber.poll(next)).toMatchObject({ _tag: "None" })
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(next)
    }).pipe(
      Effect.provide([
        network("silence", { answer: 204 }).layer,
        RateLimiter.layerMemory,
        Strategy.layerReactive,
        RestConfig.layerWith({ timeout: "10 seconds" }),
      ]),
    ),
  )

  it.effect("is longer by the time for a connection, and for an upload", () =>
    Effect.gen(function* () {
      const files = [FileUpload.fromBytes("a.bin", new Uint8Array(1024 * 1024 - 1000))]
      const leases = (net: Network) => {
        const limiter = recordingLimiter()
        return Effect.zipRight(send({ content: "x" }), send({ files })).pipe(
          RestConfig.withOptions({ timeout: "10 seconds", connectionTimeout: "3 seconds" }),
          Effect.provide(Layer.mergeAll(net.layer, limiter.layer, Strategy.layerReactive)),
          Effect.map(() => limiter.waitOptions.map(({ lease = 0 }) => Duration.toSeconds(lease))),
        )
      }
      expect(yield* leases(network({ answer: 204 }))).toEqual([11, 19])
      expect(yield* leases(directNetwork({ answer: 204 }))).toEqual([14, 22])
    }),
  )
})
