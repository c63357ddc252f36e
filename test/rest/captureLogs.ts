/** Runs a request against a script, and captures what it logs. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/TestClock"
import type * as Exit from "effect/Exit"
import { RestConfig, Strategy } from "../../src/index.js"
import { executeRequest, network, recordingLimiter } from "./network.js"
import type { Event, RequestChanges } from "./network.js"

interface Captured {
  readonly logs: ReadonlyArray<{
    readonly level: string
    readonly message: string
    readonly annotations: Readonly<Record<string, unknown>>
  }>
  readonly exit: Exit.Exit<unknown, unknown>
}

export const captureLogs = (
  script: ReadonlyArray<Event>,
  changes: RequestChanges = {},
  minimum: LogLevel.LogLevel = LogLevel.All,
): Effect.Effect<Captured> =>
  Effect.gen(function* () {
    const logs: Array<Captured["logs"][number]> = []
    const logger = Logger.make(({ annotations, logLevel, message }) => {
      logs.push({
        level: logLevel.label,
        message: String(message),
        annotations: Object.fromEntries(HashMap.toEntries(annotations)),
      })
    })
    const fiber = yield* executeRequest(changes).pipe(
      Effect.provide(
        Layer.mergeAll(
          network(...script).layer,
          recordingLimiter().layer,
          Strategy.layerReactive,
          Logger.replace(Logger.defaultLogger, logger),
          Logger.add(logger),
        ),
      ),
      RestConfig.withOptions({ baseUrl: "http://localhost:8080/api/v10", maxRateLimitAttempts: 2 }),
      Logger.withMinimumLogLevel(minimum),
      Effect.exit,
      Effect.fork,
    )
    yield* TestClock.adjust("1 hour")
    return { logs, exit: yield* Fiber.join(fiber) }
  })
