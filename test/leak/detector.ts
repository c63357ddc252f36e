/** Records everything that a program emits, and finds a secret in it. */
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

/** Finds any of the tokens, or 15 of its characters in a row, in any of the encodings below. */
export const finder = (...secrets: ReadonlyArray<string>): ((text: string) => boolean) => {
  const pieces = new Set(secrets.flatMap(spellings).flatMap(piecesOf))
  const beginnings = new Uint8Array(1 << 16)
  for (const piece of pieces) beginnings[beginningAt(piece, 0)] = 1
  const hasPiece = (text: string): boolean => {
    for (let at = 0; at + pieceLength <= text.length; at++) {
      if (beginnings[beginningAt(text, at)] === 0) continue
      if (pieces.has(text.slice(at, at + pieceLength))) return true
    }
    return false
  }
  return (text) => readings(text.toLowerCase()).some(hasPiece)
}

function piecesOf(spelling: string): ReadonlyArray<string> {
  const folded = spelling.toLowerCase()
  return Array.from({ length: Math.floor((folded.length - pieceLength) / step) + 1 }, (_, n) =>
    folded.slice(n * step, n * step + pieceLength),
  )
}

/** A hash of three characters, in 16 bits: most positions of a text are ruled out by it. */
function beginningAt(text: string, at: number): number {
  const hash = (text.charCodeAt(at) * 31 + text.charCodeAt(at + 1)) * 31 + text.charCodeAt(at + 2)
  return hash & 0xffff
}

/** Unchanged, backwards, in hexadecimal, and in base64 at every offset. */
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

/** Every text form of a value. */
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

export interface Recorder {
  readonly texts: Array<string>
  readonly tracer: Tracer.Tracer
  readonly logger: Logger.Logger<unknown, void>
  readonly spans: Array<Tracer.Span>
  /** The metrics of the process before. */
  readonly metricsBefore: MutableHashMap.MutableHashMap<unknown, unknown>
}

export const makeRecorder: Effect.Effect<Recorder> = Effect.gen(function* () {
  const native = yield* Effect.tracer
  const pairs = yield* Metric.snapshot
  const metricsBefore = MutableHashMap.fromIterable(
    pairs.map(({ metricKey, metricState }) => [metricKey, metricState] as const),
  )
  const texts: Array<string> = []
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
    texts.push(
      ...shown(message),
      ...shown(HashMap.toEntries(annotations)),
      Cause.pretty(cause, { renderErrorCause: true }),
      ...List.toArray(logSpans).map((span) => LogSpan.render(0)(span)),
    )
  })
  return { texts, tracer, logger, spans, metricsBefore }
})

/** Runs an effect and records its logs, spans and result. */
export const record = <A, E, R>(
  recorder: Recorder,
  effect: Effect.Effect<A, E, R>,
): Effect.Effect<Exit.Exit<A, E>, never, R> =>
  effect.pipe(
    Effect.tapErrorCause((cause) => Effect.logError("it failed", cause)),
    Effect.withSpan("user's own span", { captureStackTrace: true }),
    Effect.withLogSpan("user's log span"),
    Effect.exit,
    Effect.tap((exit) => {
      recorder.texts.push(...shown(exit))
      if (Exit.isSuccess(exit)) return Effect.void
      recorder.texts.push(
        Cause.pretty(exit.cause),
        Cause.pretty(Cause.parallel(exit.cause, exit.cause), { renderErrorCause: true }),
        ...shown(Cause.squash(exit.cause)),
        ...Cause.prettyErrors(exit.cause).flatMap(shown),
      )
      return Effect.void
    }),
    Effect.withTracer(recorder.tracer),
    Effect.provide([
      Logger.replace(Logger.defaultLogger, recorder.logger),
      Logger.add(recorder.logger),
      Logger.minimumLogLevel(LogLevel.All),
    ]),
  )

/** Everything recorded until now, spans and metrics included. */
export const recordedTexts = (recorder: Recorder): Effect.Effect<ReadonlyArray<string>> =>
  Effect.map(Metric.snapshot, (metrics) => {
    const texts = [
      ...recorder.texts,
      ...metrics
        .filter((pair) => !isUnchanged(recorder, pair))
        .flatMap((pair) => shown([pair.metricKey, pair.metricState])),
      ...recorder.spans.flatMap((span) => [
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
  { metricsBefore }: Recorder,
  { metricKey, metricState }: MetricPair.MetricPair.Untyped,
): boolean {
  const before = MutableHashMap.get(metricsBefore, metricKey)
  return Option.isSome(before) && Equal.equals(before.value, metricState)
}
