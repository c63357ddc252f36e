/** How long a request holds its permit when its fiber is dropped and never settles it. */
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Scheduler from "effect/Scheduler"
import * as TestClock from "effect/TestClock"
import { RateLimiter, RestConfig, Strategy } from "../../src/index.js"
import { execute, getLease } from "../../src/rest/pipeline.js"
import { type RestRequest, resolveConfig } from "../../src/rest/request.js"
import { directNetwork, network, request } from "./network.js"

class DroppingScheduler extends Scheduler.MixedScheduler {
  isDropped = false

  override scheduleTask(...args: Parameters<Scheduler.Scheduler["scheduleTask"]>): void {
    if (!this.isDropped) super.scheduleTask(...args)
  }
}

describe("the lease of a permit", () => {
  it.effect("ends a second after the timeout of the attempt", () =>
    Effect.gen(function* () {
      const scheduler = new DroppingScheduler(2048)
      yield* Effect.forkDaemon(execute(request())).pipe(Effect.withScheduler(scheduler))
      yield* TestClock.adjust("1 second")
      scheduler.isDropped = true
      const next = yield* Effect.fork(execute(request()))
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
      const options = yield* RestConfig.RestConfig
      const settings = resolveConfig({
        ...options,
        timeout: "10 seconds",
        connectionTimeout: "3 seconds",
      })
      const upload = request({
        body: {
          _tag: "Upload",
          json: {},
          files: [],
          size: 1024 * 1024,
          withBody: () => Effect.die("not to be sent"),
          failConsumed: () => undefined,
          withUnknownDelivery: (error) => error,
        },
      })
      const seconds = (client: HttpClient.HttpClient, one: RestRequest<void>) =>
        Duration.toSeconds(getLease(client, one, settings))
      const any = network("silence").client
      const reporting = directNetwork("silence").client
      expect([seconds(any, request()), seconds(any, upload)]).toEqual([11, 19])
      expect([seconds(reporting, request()), seconds(reporting, upload)]).toEqual([14, 22])
    }),
  )
})
