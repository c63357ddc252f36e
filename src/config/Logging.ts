/**
 * Layers for log level and log format. They take effect only where they are provided.
 *
 * @since 0.1.0
 * @module
 */
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"

/**
 * Log format.
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
 * Minimum log level. At `debug` the SDK logs every request, at `warning`
 * limits, repetitions and dead webhooks.
 *
 * @since 0.1.0
 * @category models
 */
export type Level = "trace" | "debug" | "info" | "warning" | "error" | "fatal" | "none"

/**
 * Log options. An option that is left out does not change the program's setting.
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
 * Several lines per message for people, with colours on a terminal.
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
 * Sets the minimum log level.
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
 * Sets level and format.
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
