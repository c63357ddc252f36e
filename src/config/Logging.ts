/**
 * What a program logs, and how it looks. Nothing here is in force unless it is provided.
 *
 * @since 0.1.0
 * @module
 */
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"

/**
 * How a log line looks.
 *
 * - `json`: one JSON object a line, for collectors.
 * - `logfmt`: `key=value` pairs on one line, for machines and people.
 * - `pretty`: several lines with colours, for a terminal.
 *
 * @since 0.1.0
 * @category models
 */
export type Format = "json" | "logfmt" | "pretty"

/**
 * From the least important to none at all. `debug` tells of every request of the SDK, `warning` of
 * limits, repetitions and dead webhooks.
 *
 * @since 0.1.0
 * @category models
 */
export type Level = "trace" | "debug" | "info" | "warning" | "error" | "fatal" | "none"

/**
 * What may be chosen; what is left out stays as the program has it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly level?: Level | undefined
  readonly format?: Format | undefined
}

const levels: Readonly<Record<Level, LogLevel.LogLevel>> = {
  trace: LogLevel.Trace,
  debug: LogLevel.Debug,
  info: LogLevel.Info,
  warning: LogLevel.Warning,
  error: LogLevel.Error,
  fatal: LogLevel.Fatal,
  none: LogLevel.None,
}

/**
 * Replaces the logger that Effect starts with, and the one that `runMain` puts in its place:
 * `Logger.json` alone would write each line twice there. Loggers that were added stay. One after
 * another, because what is merged is built in parallel, and then outlives its scope.
 */
const replaceLogger = (logger: Logger.Logger<unknown, unknown>): Layer.Layer<never> =>
  Logger.add(logger).pipe(
    Layer.provideMerge(Logger.remove(Logger.defaultLogger)),
    Layer.provideMerge(Logger.remove(Logger.prettyLoggerDefault)),
  )

/**
 * One JSON object a line, on standard output.
 *
 * @example
 * ```ts
 * import { Logging } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const program = Effect.log("ready").pipe(Effect.provide(Logging.layerJson))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerJson: Layer.Layer<never> = replaceLogger(Logger.withConsoleLog(Logger.jsonLogger))

/**
 * `key=value` pairs on one line, on standard output.
 *
 * @example
 * ```ts
 * import { Logging } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const program = Effect.log("ready").pipe(Effect.provide(Logging.layerLogfmt))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerLogfmt: Layer.Layer<never> = replaceLogger(
  Logger.withConsoleLog(Logger.logfmtLogger),
)

/**
 * For people: several lines, with colours if it is a terminal.
 *
 * @example
 * ```ts
 * import { Logging } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const program = Effect.log("ready").pipe(Effect.provide(Logging.layerPretty))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerPretty: Layer.Layer<never> = replaceLogger(Logger.prettyLogger())

/**
 * The least important level that is logged.
 *
 * @example
 * ```ts
 * import { Logging } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const program = Effect.logDebug("seen").pipe(Effect.provide(Logging.layerLevel("debug")))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerLevel = (level: Level): Layer.Layer<never> =>
  Logger.minimumLogLevel(levels[level])

const formats: Readonly<Record<Format, Layer.Layer<never>>> = {
  json: layerJson,
  logfmt: layerLogfmt,
  pretty: layerPretty,
}

/**
 * Level and format together.
 *
 * @example
 * ```ts
 * import { Logging } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const logged = Effect.log("started").pipe(
 *   Effect.provide(Logging.layer({ level: "debug", format: "json" })),
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = ({ format, level }: Options): Layer.Layer<never> =>
  Layer.provideMerge(
    format === undefined ? Layer.empty : formats[format],
    level === undefined ? Layer.empty : layerLevel(level),
  )
