/** What a log line looks like, and that there is one of it. */
import { makeRunMain } from "@effect/platform/Runtime"
import { describe, expect, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as Logger from "effect/Logger"
import { Logging } from "../../src/index.js"

/** A console that remembers what was printed. */
const listen = Effect.map(Effect.console, (usual) => {
  const lines: Array<string> = []
  const log = (...parts: ReadonlyArray<unknown>) => lines.push(parts.map(String).join(" "))
  const unsafe = { ...usual.unsafe, log, error: log, group: () => {}, groupEnd: () => {} }
  return { lines, layer: Console.setConsole({ ...usual, unsafe }) }
})

/** On top of what is there already, one after another. */
const on = (logging: Layer.Layer<never>, ...there: ReadonlyArray<Layer.Layer<never>>) =>
  there.reduceRight((all, one) => Layer.provideMerge(all, one), logging)

const speak = Effect.gen(function* () {
  yield* Effect.logDebug("too quiet")
  yield* Effect.logInfo("hello\nworld").pipe(Effect.annotateLogs("key", "a b"))
})

/** A test has no logger of its own; a program has. */
const logged = (logging: Layer.Layer<never>) =>
  Effect.gen(function* () {
    const { layer, lines } = yield* listen
    yield* speak.pipe(Effect.provide(on(logging, layer, Logger.add(Logger.defaultLogger))))
    return lines
  })

/** As `NodeRuntime.runMain` runs a program, with the logger that it puts in place. */
const loggedInMain = (logging: Layer.Layer<never>) =>
  Effect.gen(function* () {
    const { layer, lines } = yield* listen
    yield* Effect.async<void>((resume) => {
      const runMain = makeRunMain(({ fiber }) => fiber.addObserver(() => resume(Effect.void)))
      runMain(Effect.provide(speak, on(logging, layer)))
    })
    return lines
  })

describe("Logging", () => {
  it.effect("as json writes one object a line", () =>
    Effect.gen(function* () {
      const lines = yield* logged(Logging.layerJson)
      expect(lines).toHaveLength(1)
      expect(JSON.parse(lines.join())).toMatchObject({
        message: "hello\nworld",
        logLevel: "INFO",
        timestamp: "1970-01-01T00:00:00.000Z",
        annotations: { key: "a b" },
      })
    }),
  )

  it.effect("as logfmt writes one line for any message", () =>
    Effect.gen(function* () {
      const lines = yield* logged(Logging.layerLogfmt)
      expect(lines).toHaveLength(1)
      expect(lines.join()).toMatch(
        /^timestamp=1970-01-01T00:00:00\.000Z level=INFO fiber=#\d+ message="hello\\nworld" key="a b"$/,
      )
    }),
  )

  it.effect("as pretty writes the message on a line, and each annotation on its own", () =>
    Effect.gen(function* () {
      const lines = yield* logged(Logging.layerPretty)
      expect(lines).toHaveLength(2)
      expect(lines[0]).toMatch(/INFO.*hello\nworld/s)
      expect(lines[1]).toMatch(/key:.*a b/)
    }),
  )

  it.effect.each([
    ["json", Logging.layerJson],
    ["logfmt", Logging.layerLogfmt],
  ] as const)("as %s writes each line once under runMain, too", ([, logging]) =>
    Effect.gen(function* () {
      expect(yield* loggedInMain(logging)).toHaveLength(1)
    }),
  )

  it.effect("as pretty writes each line once under runMain, too", () =>
    Effect.gen(function* () {
      expect(yield* loggedInMain(Logging.layerPretty)).toHaveLength(2)
    }),
  )

  it.effect(
    "removes the default logger itself, since Effect's own layer keeps the logger of runMain",
    () =>
      Effect.gen(function* () {
        expect((yield* loggedInMain(Logger.json)).length).toBeGreaterThan(1)
      }),
  )

  it.effect("lets other loggers be", () =>
    Effect.gen(function* () {
      const heard: Array<unknown> = []
      const own = Logger.make(({ message }) => heard.push(message))
      yield* speak.pipe(
        Effect.provide(on(Logging.layer({ format: "json", level: "none" }), Logger.add(own))),
      )
      expect(heard).toEqual([])
      yield* speak.pipe(
        Effect.provide(on(Logging.layerJson, (yield* listen).layer, Logger.add(own))),
      )
      expect(heard).toEqual([["hello\nworld"]])
    }),
  )

  it.effect("ends where it is no longer provided", () =>
    Effect.gen(function* () {
      const before = yield* FiberRef.get(FiberRef.currentLoggers)
      const level = yield* FiberRef.get(FiberRef.currentMinimumLogLevel)
      yield* speak.pipe(
        Effect.provide(
          on(Logging.layer({ format: "json", level: "error" }), (yield* listen).layer),
        ),
      )
      expect([...(yield* FiberRef.get(FiberRef.currentLoggers))]).toEqual([...before])
      expect(yield* FiberRef.get(FiberRef.currentMinimumLogLevel)).toBe(level)
    }),
  )

  it.effect.each([
    ["trace", ["Trace", "Debug", "Info", "Warning", "Error", "Fatal"]],
    ["debug", ["Debug", "Info", "Warning", "Error", "Fatal"]],
    ["info", ["Info", "Warning", "Error", "Fatal"]],
    ["warning", ["Warning", "Error", "Fatal"]],
    ["error", ["Error", "Fatal"]],
    ["fatal", ["Fatal"]],
    ["none", []],
  ] as const)("at level %s lets through %j", ([level, expected]) =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      const own = Logger.make(({ logLevel }) => heard.push(logLevel._tag))
      yield* Effect.forEach(LogLevel.allLevels, (one) =>
        one._tag === "All" || one._tag === "None" ? Effect.void : Effect.logWithLevel(one, "x"),
      ).pipe(Effect.provide([Logging.layer({ level }), Logger.add(own)]))
      expect(new Set(heard)).toEqual(new Set(expected))
    }),
  )

  it.effect("with nothing chosen changes nothing", () =>
    Effect.gen(function* () {
      const { layer, lines } = yield* listen
      const heard: Array<unknown> = []
      const own = Logger.make(({ message }) => heard.push(message))
      yield* speak.pipe(
        Effect.provide(
          on(Logging.layer({}), layer, Logger.add(own), Logger.minimumLogLevel(LogLevel.Debug)),
        ),
      )
      expect(heard).toHaveLength(2)
      expect(lines).toEqual([])
    }),
  )
})
