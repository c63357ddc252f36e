/** Listens to everything a program lets out, and looks for a secret in it. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import * as HashMap from "effect/HashMap"
import * as List from "effect/List"
import * as LogLevel from "effect/LogLevel"
import * as LogSpan from "effect/LogSpan"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import type * as MetricPair from "effect/MetricPair"
import * as MutableHashMap from "effect/MutableHashMap"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { inspect } from "node:util"

/** Pieces of the token, of which every 15 characters in a row contain one. */
const pieceLength = 10
const step = 5

/** Finds a token, or a good part of it, in a text, in whatever encoding. */
export const finder = (secret: string): ((text: string) => boolean) => {
  const pieces = spellings(secret).flatMap((spelling) => {
    const folded = spelling.toLowerCase()
    return Array.from({ length: Math.floor((folded.length - pieceLength) / step) + 1 }, (_, n) =>
      folded.slice(n * step, n * step + pieceLength),
    )
  })
  return (text) =>
    readings(text.toLowerCase()).some((reading) => pieces.some((piece) => reading.includes(piece)))
}

/** As it is, backwards, in hexadecimal, and in base64 wherever in a text it begins. */
function spellings(secret: string): ReadonlyArray<string> {
  return [
    secret,
    [...secret].reverse().join(""),
    Buffer.from(secret).toString("hex"),
    ...["", "-", "--"].map((before) =>
      Buffer.from(before + secret)
        .toString("base64")
        .slice(before.length === 0 ? 0 : before.length + 1, -4),
    ),
  ]
}

function readings(original: string): ReadonlyArray<string> {
  const text = original.replace(/<wbr>|[\u200b\ufeff]|&#8203;/g, "")
  const plain = text.includes("\\u") ? [text, unescaped(text)] : [text]
  return plain.flatMap((reading) =>
    reading.includes("%") ? [reading, decoded(reading), decoded(decoded(reading))] : [reading],
  )
}

function unescaped(text: string): string {
  return text.replace(/\\u([0-9a-f]{4})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

function decoded(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

/** Every way in which a value may be shown. */
export const shown = (value: unknown): ReadonlyArray<string> => [
  String(value),
  json(value),
  ...[true, false].map((customInspect) =>
    inspect(value, {
      depth: 8,
      showHidden: true,
      customInspect,
      maxStringLength: null,
      maxArrayLength: null,
    }),
  ),
  ...(value instanceof Error ? [value.message, value.stack ?? "", ...shown(value.cause)] : []),
]

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "undefined"
  } catch (error) {
    return String(error)
  }
}

export interface Ear {
  readonly heard: Array<string>
  readonly tracer: Tracer.Tracer
  readonly logger: Logger.Logger<unknown, void>
  readonly spans: Array<Tracer.Span>
  /** The metrics of the process before. */
  readonly metricsBefore: MutableHashMap.MutableHashMap<unknown, unknown>
}

export const listen: Effect.Effect<Ear> = Effect.gen(function* () {
  const native = yield* Effect.tracer
  const pairs = yield* Metric.snapshot
  const metricsBefore = MutableHashMap.fromIterable(
    pairs.map(({ metricKey, metricState }) => [metricKey, metricState] as const),
  )
  const heard: Array<string> = []
  const spans: Array<Tracer.Span> = []
  const tracer = Tracer.make({
    span: (...args) => {
      const span = native.span(...args)
      spans.push(span)
      return span
    },
    context: (f) => f(),
  })
  const logger = Logger.make(({ annotations, cause, message, spans: logSpans }) => {
    heard.push(
      ...shown(message),
      ...shown(HashMap.toEntries(annotations)),
      Cause.pretty(cause, { renderErrorCause: true }),
      ...List.toArray(logSpans).map((span) => LogSpan.render(0)(span)),
    )
  })
  return { heard, tracer, logger, spans, metricsBefore }
})

/** Runs an effect with somebody listening at every door. Its result is shown, too. */
export const overhear = <A, E, R>(
  ear: Ear,
  effect: Effect.Effect<A, E, R>,
): Effect.Effect<Exit.Exit<A, E>, never, R> =>
  effect.pipe(
    Effect.tapErrorCause((cause) => Effect.logError("it failed", cause)),
    Effect.withSpan("user's own span", { captureStackTrace: true }),
    Effect.withLogSpan("user's log span"),
    Effect.exit,
    Effect.tap((exit) => {
      ear.heard.push(...shown(exit))
      if (Exit.isSuccess(exit)) return Effect.void
      ear.heard.push(
        Cause.pretty(exit.cause),
        Cause.pretty(Cause.parallel(exit.cause, exit.cause), { renderErrorCause: true }),
        ...shown(Cause.squash(exit.cause)),
        ...Cause.prettyErrors(exit.cause).flatMap(shown),
      )
      return Effect.void
    }),
    Effect.withTracer(ear.tracer),
    Effect.provide([
      Logger.replace(Logger.defaultLogger, ear.logger),
      Logger.add(ear.logger),
      Logger.minimumLogLevel(LogLevel.All),
    ]),
  )

/** All that was heard until now, spans and metrics included. */
export const everything = (ear: Ear): Effect.Effect<ReadonlyArray<string>> =>
  Effect.map(Metric.snapshot, (metrics) => {
    const texts = [
      ...ear.heard,
      ...metrics
        .filter((pair) => !isUnchanged(ear, pair))
        .flatMap((pair) => shown([pair.metricKey, pair.metricState])),
      ...ear.spans.flatMap((span) => [
        ...shown(span.name),
        ...shown([...span.attributes]),
        ...shown(span.status),
        ...shown(span.links),
        ...shown("events" in span ? span.events : []),
      ]),
    ]
    return [...new Set(texts)]
  })

/** Metrics of tests that ran before in the same process are left out. */
function isUnchanged(
  { metricsBefore }: Ear,
  { metricKey, metricState }: MetricPair.MetricPair.Untyped,
): boolean {
  const before = MutableHashMap.get(metricsBefore, metricKey)
  return Option.isSome(before) && Equal.equals(before.value, metricState)
}
