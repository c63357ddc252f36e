/** What is built around a webhook keeps its token as well as the webhook does. */
import { it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { describe, expect } from "vitest"
import { DiscordLogger, DryRun, RateLimiter, Strategy, Webhook } from "../../src/index.js"
import { DiscordSimulator, Fault } from "../../src/testing/index.js"
import { newHook, within } from "../scenarios/harness.js"
import { recordedTexts, finder, makeRecorder, record, shown } from "./detector.js"
import type { Recorder } from "./detector.js"

const limits = Layer.merge(RateLimiter.layerMemory, Strategy.layerProactive)

/** Everything that was let out, and the webhook whose token must not be in it. */
const quiet = <E, R>(
  story: (harness: {
    readonly recorder: Recorder
    readonly simulator: DiscordSimulator.Service
    readonly hook: Webhook.Webhook
    readonly url: string
  }) => Effect.Effect<void, E, R>,
) =>
  Effect.gen(function* () {
    const simulator = yield* DiscordSimulator.DiscordSimulator
    const { hook, made } = yield* newHook(simulator)
    const recorder = yield* makeRecorder
    yield* story({ recorder, simulator, hook, url: made.url })
    const texts = yield* recordedTexts(recorder)
    expect(texts.length).toBeGreaterThan(10)
    expect(texts.filter(finder(made.token))).toEqual([])
  }).pipe(Effect.provide([DiscordSimulator.layerTest, limits]))

const echoing = (url: string): Fault.Fault =>
  Fault.respond({ status: 400, body: { message: `bad ${url}`, code: 50035, errors: { url } } })

describe("the token is nowhere", () => {
  it.effect("in a dry run: its log, its records, its errors", () =>
    quiet(({ recorder, hook, url }) =>
      Effect.gen(function* () {
        const dryRun = yield* DryRun.DryRun
        // A program may send its own URL by mistake. The answer echoes it, as Discord's would;
        // what is logged and recorded does not.
        yield* Webhook.send(hook, { content: url, embeds: [{ title: url, url }] }).pipe(
          Effect.provide([
            Logger.replace(Logger.defaultLogger, recorder.logger),
            Logger.minimumLogLevel(LogLevel.All),
          ]),
        )
        yield* record(recorder, Webhook.send(hook, {}))
        yield* record(recorder, Webhook.get(hook))
        recorder.texts.push(...shown(yield* dryRun.requests))
        expect(yield* dryRun.count).toBe(2)
      }).pipe(Effect.provide(DryRun.layer)),
    ),
  )

  it.effect("in the results of a broadcast", () =>
    quiet(({ recorder, hook, simulator, url }) =>
      Effect.gen(function* () {
        yield* simulator.inject(echoing(url), { times: 2 })
        const broadcast = Webhook.broadcast([hook], { content: "x" })
        for (let n = 0; n < 3; n++) yield* within("1 minute", record(recorder, broadcast))
      }),
    ),
  )

  it.effect("in the errors of a sink", () =>
    quiet(({ recorder, hook, simulator, url }) =>
      Effect.gen(function* () {
        yield* simulator.inject(echoing(url), { times: Infinity })
        const source = Stream.make({ embeds: [{ title: "a" }] }, { embeds: [{ title: "b" }] })
        for (const options of [{}, { batchWithin: "1 second" }] as const) {
          yield* within(
            "1 minute",
            record(recorder, Stream.run(source, Webhook.sink(hook, options))),
          )
        }
      }),
    ),
  )

  it.effect("in what a logger posts, and in what it logs on failure", () =>
    quiet(({ recorder, hook, simulator, url }) =>
      Effect.gen(function* () {
        const layer = DiscordLogger.layer(hook, { level: LogLevel.All })
        const logging = Effect.log(`the URL is ${url}`, Cause.fail(new Error(url))).pipe(
          Effect.annotateLogs({ url, plain: hook, secret: hook.token }),
          Effect.withLogSpan(url),
          // The other loggers show what they are told to show; here it is the post that counts.
          Effect.provide([Logger.remove(Logger.defaultLogger), layer]),
        )
        yield* within("1 minute", logging)
        const [request] = yield* simulator.traffic
        expect(JSON.stringify(request?.body)).toContain("[redacted]")
        recorder.texts.push(...shown(request?.body))
        yield* simulator.inject(echoing(url), { times: Infinity })
        yield* within("1 minute", record(recorder, Effect.provide(Effect.logError("x"), layer)))
        yield* TestClock.adjust("1 minute")
      }),
    ),
  )
})
