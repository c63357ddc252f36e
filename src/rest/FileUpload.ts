/**
 * Files to send with a message: from memory, from a `Blob`, from a `Stream` or from a path.
 *
 * A file is read during the upload, and again for each retry. Files from paths and streams are
 * never completely in memory, if the client can stream.
 *
 * @see https://discord.com/developers/docs/reference#uploading-files
 * @since 0.1.0
 * @module
 */
import * as FileSystem from "@effect/platform/FileSystem"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import mime from "mime"
import { WebhookFileError } from "../error/WebhookError.js"
import {
  cleanFileName,
  describeWrongFile,
  FileUpload,
  getBaseName,
  isBlob,
  isBytes,
  ProgressListener,
  unknownType,
} from "./upload/file.js"
import type { Progress, Source } from "./upload/file.js"
import { toFileError } from "./upload/read.js"
import { uploader } from "./upload/upload.js"

export { FileUpload } from "./upload/file.js"
export type { Progress } from "./upload/file.js"

/**
 * Options of every file.
 *
 * @since 0.1.0
 * @category models
 */
export interface FileOptions {
  /** The media type. Default: determined by the extension of the name. */
  readonly contentType?: string | undefined
  /** Alt text; at most 1024 code points. */
  readonly description?: string | undefined
  /** Shown instead of the name; at most 1024 code points. */
  readonly title?: string | undefined
  /** Hides the file until the user clicks on it. */
  readonly isSpoiler?: boolean | undefined
  /** Duration of a voice message in seconds. */
  readonly durationSecs?: number | undefined
  /** Volume of a voice message over time: see {@link waveform}. */
  readonly waveform?: string | undefined
}

/**
 * Options of a file from a stream.
 *
 * @since 0.1.0
 * @category models
 */
export interface StreamOptions extends FileOptions {
  /**
   * Number of bytes of the stream. It must be exact, because the request declares it in advance.
   */
  readonly size: number
  readonly stream: Stream.Stream<Uint8Array, unknown>
  /**
   * `true` if the stream can be run only once, such as one from a socket. The message is then not
   * retried once reading has begun, and fails with a `WebhookFileError` whose `reason` is
   * `readOnce`.
   */
  readonly readOnce?: boolean | undefined
}

/**
 * Options of a file from a path.
 *
 * @since 0.1.0
 * @category models
 */
export interface PathOptions extends FileOptions {
  /** The name of the file on Discord. Default: the last part of the path. */
  readonly name?: string | undefined
}

/**
 * Creates a file from bytes in memory. They are not copied: do not change them before the message
 * is sent.
 *
 * @example
 * ```ts
 * import { FileUpload, Webhook } from "effect-discord"
 *
 * const publish = (hook: Webhook.Webhook, png: Uint8Array) =>
 *   Webhook.send(hook, {
 *     files: [FileUpload.fromBytes("chart.png", png, { description: "Load, rising" })],
 *   })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromBytes = (
  name: string,
  bytes: Uint8Array,
  options: FileOptions = {},
): FileUpload => {
  if (!isBytes(bytes))
    throw makeArgumentError("fromBytes(name, bytes)", "bytes in a Uint8Array", bytes)
  return make(name, bytes.byteLength, { _tag: "Bytes", bytes }, options)
}

/**
 * Creates a file from text, as UTF-8.
 *
 * @example
 * ```ts
 * import { FileUpload } from "effect-discord"
 *
 * const log = FileUpload.fromText("build.log", "42 tests passed\n")
 * log.contentType // "text/plain; charset=utf-8"
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromText = (name: string, text: string, options: FileOptions = {}): FileUpload => {
  if (typeof text !== "string") throw makeArgumentError("fromText(name, text)", "a text", text)
  const { contentType = lookUpTextType(name), ...rest } = options
  return fromBytes(name, new TextEncoder().encode(text), { ...rest, contentType })
}

/**
 * Creates a file from a `Blob`, such as a `File` that a user has chosen in a browser. Default media
 * type: that of the blob.
 *
 * @example
 * ```ts
 * import { FileUpload } from "effect-discord"
 *
 * const chosen = (file: File) => FileUpload.fromBlob(file.name, file)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromBlob = (name: string, blob: Blob, options: FileOptions = {}): FileUpload => {
  if (!isBlob(blob)) throw makeArgumentError("fromBlob(name, blob)", "a Blob", blob)
  const { contentType = blob.type || undefined, ...rest } = options
  return make(name, blob.size, { _tag: "Blob", blob }, { ...rest, contentType })
}

/**
 * Creates a file from a `Stream` of known length. The stream is run for each attempt, unless
 * `readOnce` is set.
 *
 * @example
 * ```ts
 * import { FileUpload } from "effect-discord"
 * import { Stream } from "effect"
 *
 * const zeros = FileUpload.fromStream("zeros.bin", {
 *   size: 3_000_000,
 *   stream: Stream.repeatValue(new Uint8Array(1000)).pipe(Stream.take(3000)),
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromStream = (name: string, options: StreamOptions): FileUpload => {
  const { readOnce = false, size, stream, ...rest } = options ?? {}
  if (!Predicate.hasProperty(stream, Stream.StreamTypeId)) {
    throw makeArgumentError("fromStream(name, { size, stream })", "a Stream of effect", stream)
  }
  const once = readOnce ? { once: { isRead: false } } : {}
  return make(name, size, { _tag: "Stream", stream, ...once }, rest)
}

/**
 * Creates a file from a path, by the platform's `FileSystem`. Fails with a `WebhookFileError` if
 * the file does not exist or is a directory. The size is read now and the content when the message
 * is sent; if the size has changed by then, sending fails. A read that blocks, such as of
 * `/proc/kmsg`, ends with the `timeout` of the request; the operating system may keep its thread.
 *
 * @example
 * ```ts
 * import { FileUpload, Webhook } from "effect-discord"
 * import { Effect } from "effect"
 *
 * const publish = (hook: Webhook.Webhook) =>
 *   Effect.gen(function* () {
 *     const report = yield* FileUpload.fromPath("out/report.pdf", { title: "Report of May" })
 *     yield* Webhook.send(hook, { content: "Done", files: [report] })
 *   })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromPath = (
  path: string,
  options: PathOptions = {},
): Effect.Effect<FileUpload, WebhookFileError, FileSystem.FileSystem> =>
  Effect.gen(function* () {
    if (typeof path !== "string") throw makeArgumentError("fromPath(path)", "a path", path)
    const files = yield* FileSystem.FileSystem
    const found = yield* Effect.mapError(files.stat(path), (error) =>
      toFileError({ file: path }, error),
    )
    if (found.type !== "File") {
      return yield* new WebhookFileError({ file: path, reason: "notAFile", delivered: "no" })
    }
    const { name = getBaseName(path), ...rest } = options
    // Two chunks ahead of the connection are enough.
    const stream = files.stream(path, { bufferSize: 2 })
    return make(name, Number(found.size), { _tag: "Stream", stream, path }, rest)
  })

/** Discord: Attachment Object, `waveform`. */
const maxWaveformPoints = 256

/**
 * Returns the `waveform` of a voice message from its volume at equidistant moments, each from 0 to
 * 1. More than 256 values are reduced to the maxima of 256 intervals.
 *
 * @example
 * ```ts
 * import { FileUpload, Webhook } from "effect-discord"
 *
 * const speak = (hook: Webhook.Webhook, ogg: Uint8Array, loudness: ReadonlyArray<number>) =>
 *   Webhook.send(hook, {
 *     flags: ["IsVoiceMessage"],
 *     files: [
 *       FileUpload.fromBytes("voice-message.ogg", ogg, {
 *         durationSecs: 2.5,
 *         waveform: FileUpload.waveform(loudness),
 *       }),
 *     ],
 *   })
 * ```
 *
 * @see Discord: Voice Messages
 * @since 0.1.0
 * @category conversions
 */
export const waveform = (loudness: ReadonlyArray<number>): string => {
  const points = new Uint8ClampedArray(Math.min(loudness.length, maxWaveformPoints))
  loudness.forEach((value, index) => {
    const point = Math.floor((index * points.length) / loudness.length)
    // A clamped array rounds, and stores 0 for NaN.
    points[point] = Math.max(points[point] ?? 0, value * 255)
  })
  return Encoding.encodeBase64(Uint8Array.from(points))
}

/**
 * Returns the URL by which an embed or a component of the same message refers to the file.
 *
 * @example
 * ```ts
 * import { FileUpload, Webhook } from "effect-discord"
 *
 * const show = (hook: Webhook.Webhook, png: Uint8Array) => {
 *   const chart = FileUpload.fromBytes("load of today.png", png)
 *   return Webhook.send(hook, {
 *     embeds: [{ title: "Load", image: { url: FileUpload.attachmentUrl(chart) } }],
 *     files: [chart],
 *   })
 * }
 * // the URL is attachment://load_of_today.png
 * ```
 *
 * @since 0.1.0
 * @category conversions
 */
export const attachmentUrl = (file: FileUpload): string =>
  `attachment://${cleanFileName(file.name)}`

/**
 * Reports the progress of the uploads of an effect: once when each file begins, and after each
 * chunk of it (64 KiB for a path). It counts the bytes that the connection accepted, not what
 * Discord received. The upload waits for the listener, so a slow listener delays it.
 *
 * @example
 * ```ts
 * import { FileUpload, Webhook } from "effect-discord"
 * import { Console } from "effect"
 *
 * const send = (hook: Webhook.Webhook, video: FileUpload.FileUpload) =>
 *   Webhook.send(hook, { files: [video] }).pipe(
 *     FileUpload.withProgress(({ sent, total }) => Console.log(`${sent} of ${total} bytes`)),
 *   )
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const withProgress =
  <R2>(listener: (progress: Progress) => Effect.Effect<void, never, R2>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | R2> =>
    Effect.contextWithEffect((context: Context.Context<R2>) =>
      Effect.provideService(effect, ProgressListener, {
        listener: (progress) => Effect.provide(listener(progress), context),
      }),
    )

/** Untyped callers get the error where the file is created, not where the message is sent. */
function makeArgumentError(place: string, expected: string, given: unknown): TypeError {
  return new TypeError(`FileUpload.${place}: expected ${expected}, got ${describeWrongFile(given)}`)
}

function make(name: string, size: number, source: Source, options: FileOptions): FileUpload {
  if (typeof name !== "string") throw makeArgumentError("the name of a file", "a string", name)
  const { contentType = lookUpContentType(name), description, isSpoiler, title } = options
  const { durationSecs, waveform: loudness } = options
  return new FileUpload({
    name: cleanFileName(name),
    contentType,
    size,
    description,
    title,
    isSpoiler,
    durationSecs,
    waveform: loudness,
    source,
    uploader,
  })
}

const plainText = "text/plain"

/** Text formats outside `text/`. */
const textual =
  /^(?:application\/(?:(?:x-)?(?:ecmascript|graphql|httpd-php|javascript|json\w*|latex|ndjson|perl|sh|sql|csh|tcl|tex|toml|typescript|xml|yaml)|rtf|xml-dtd)|.+\+(?:json|xml|yaml))$/

/**
 * The media type that the registry assigns to the extension `.rs`; it is XML, but the files are
 * Rust.
 */
const rust = "application/rls-services+xml"

function lookUpContentType(name: string): string {
  return mime.getType(name) ?? unknownType
}

/**
 * Returns the media type of a text file, with its character set if the type has one. The registry
 * assigns other types to extensions of source code: `.ts` is video, `.mts` a 3D model.
 */
function lookUpTextType(name: string): string {
  const found = mime.getType(name) ?? plainText
  const type = found.startsWith("text/") || isTextual(found) ? found : plainText
  return type.startsWith("text/") ? `${type}; charset=utf-8` : type
}

function isTextual(type: string): boolean {
  return type !== rust && textual.test(type)
}
