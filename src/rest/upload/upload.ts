/**
 * The body of a request with files: buffered if it is small, streamed otherwise. Its encoding,
 * `multipart/form-data` (RFC 7578), is written by hand, so that the length is known before the files
 * are read, and the same for every HttpClient.
 *
 * Discord: Uploading Files.
 */
import * as HttpBody from "@effect/platform/HttpBody"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import * as Struct from "effect/Struct"
import { WebhookFileError } from "../../error/WebhookError.js"
import { errorFields } from "../../error/message.js"
import type { Route } from "../../ratelimit/Route.js"
import { RestConfig } from "../RestConfig.js"
import { presets } from "../UploadLimits.js"
import type { UploadLimits } from "../UploadLimits.js"
import { cleanFileName, getLabel, isConsumed, ProgressListener, unknownType } from "./file.js"
import type { FileUpload, OnProgress, Uploader } from "./file.js"
import { makeAlreadyReadError, readFile } from "./read.js"

/** The form without the bytes of the files. */
interface Form {
  readonly contentType: string
  /** The JSON of the message. */
  readonly payload: Uint8Array
  /** The part before each file. */
  readonly heads: ReadonlyArray<Uint8Array>
  readonly tail: Uint8Array
  /** Bytes of the whole body. */
  readonly size: number
}

const encoder = new TextEncoder()

const mediaType = /^[\x21-\x2e\x30-\x7e]+\/[\x20-\x7e]+$/

/** Whether the text is a valid header value. */
function isMediaType(text: string): boolean {
  return mediaType.test(text)
}

/** Long enough that it does not occur in a file by chance. */
const makeBoundary: Effect.Effect<string> = Effect.map(
  Effect.all([Random.nextInt, Random.nextInt]),
  (numbers) => `effect-discord-${numbers.map((n) => n.toString(36).padStart(11, "0")).join("")}`,
)

function makeForm(limit: string, json: unknown, files: ReadonlyArray<FileUpload>): Form {
  const payload = encoder.encode(
    `--${limit}\r\nContent-Disposition: form-data; name="payload_json"\r\n` +
      `Content-Type: application/json\r\n\r\n${JSON.stringify(json)}`,
  )
  const heads = files.map(({ contentType, name }, index) =>
    encoder.encode(
      `\r\n--${limit}\r\nContent-Disposition: form-data; name="files[${index}]"; filename="${cleanFileName(name)}"\r\n` +
        `Content-Type: ${isMediaType(contentType) ? contentType : unknownType}\r\n\r\n`,
    ),
  )
  const tail = encoder.encode(`\r\n--${limit}--\r\n`)
  const lengths = [payload, ...heads, tail].map(({ length }) => length)
  return {
    contentType: `multipart/form-data; boundary=${limit}`,
    payload,
    heads,
    tail,
    size: sum(lengths) + sum(files.map(({ size }) => size)),
  }
}

function sum(numbers: ReadonlyArray<number>): number {
  return numbers.reduce((total, number) => total + number, 0)
}

/** Maximum bytes of a buffered body, which works everywhere: few browsers can stream a request. */
const maxBufferedSize = 8 * 1024 * 1024

const checkFiles: Uploader["checkFiles"] = (route, files, kept) =>
  Effect.flatMap(RestConfig, ({ uploads }) => {
    const error = findFileError(route, files, kept, uploads)
    return error === undefined ? Effect.void : Effect.fail(error)
  })

const errorKeys = [
  "operation",
  "webhookId",
  "route",
  "reason",
  "file",
  "size",
  "limit",
  "preset",
  "detail",
] as const

export const makeUpload: Uploader["makeUpload"] = (route, json, files) =>
  Effect.map(Effect.all([makeBoundary, ProgressListener]), ([limit, { listener }]) => {
    const parts = makeForm(limit, json, files)
    const isSmall =
      parts.size <= maxBufferedSize && files.every(({ source }) => source._tag !== "Stream")
    let attempt = 0
    const content = Effect.sync(() => {
      attempt += 1
      return toByteStream(
        parts,
        reportProgress(attempt, files, listener, (file) => readFile(route, file)),
      )
    })
    const provide = isSmall && listener === undefined ? bufferBody : streamBody
    return {
      _tag: "Upload",
      json,
      files: files.map((file) => ({
        name: file.name,
        contentType: file.contentType,
        size: file.size,
        bytes: collect(file.size, readFile(route, file)),
      })),
      size: parts.size,
      withBody: (use) => Effect.flatMap(content, (bytes) => provide(parts, bytes, use)),
      failConsumed: () => {
        const consumed = files.find(isConsumed)
        if (consumed === undefined) return undefined
        return (cause, delivered) =>
          new WebhookFileError({
            ...errorFields(route),
            reason: "readOnce",
            file: getLabel(consumed),
            detail: `it was not sent again after ${cause}`,
            delivered,
          })
      },
      withUnknownDelivery: (error) =>
        new WebhookFileError({ ...Struct.pick(error, ...errorKeys), delivered: "unknown" }),
    }
  })

export const uploader: Uploader = { checkFiles, makeUpload, cleanFileName, isMediaType }

type ByteStream = Stream.Stream<Uint8Array, WebhookFileError>
type UseBody<A, E> = (body: HttpBody.HttpBody) => Effect.Effect<A, E>

function bufferBody<A, E>(
  parts: Form,
  bytes: ByteStream,
  use: UseBody<A, E>,
): Effect.Effect<A, E | WebhookFileError> {
  return Effect.flatMap(collect(parts.size, bytes), (whole) =>
    use(HttpBody.uint8Array(whole, parts.contentType)),
  )
}

function collect(size: number, bytes: ByteStream): Effect.Effect<Uint8Array, WebhookFileError> {
  return Effect.suspend(() => {
    const whole = new Uint8Array(size)
    let at = 0
    const filled = Stream.runForEach(bytes, (piece) =>
      Effect.sync(() => {
        whole.set(piece, at)
        at += piece.length
      }),
    )
    return Effect.as(filled, whole)
  })
}

/**
 * Clients treat a failing body differently; one ends the request as if it were complete. So the
 * body never fails: it stops, and the exchange is interrupted, upon which every client closes the
 * connection.
 */
function streamBody<A, E>(
  parts: Form,
  bytes: ByteStream,
  use: UseBody<A, E>,
): Effect.Effect<A, E | WebhookFileError> {
  return Effect.flatMap(Deferred.make<never, WebhookFileError>(), (failed) => {
    const body = Stream.catchAllCause(bytes, (cause) =>
      Cause.isInterruptedOnly(cause)
        ? Stream.failCause(Cause.stripFailures(cause))
        : Stream.fromEffect(Effect.zipRight(Deferred.failCause(failed, cause), Effect.never)),
    )
    return Effect.raceFirst(
      use(HttpBody.stream(body, parts.contentType, parts.size)),
      Deferred.await(failed),
    )
  })
}

function toByteStream(
  { heads, payload, tail }: Form,
  files: ReadonlyArray<ByteStream>,
): ByteStream {
  const middle = files.map((bytes, index) => {
    const head = heads[index]
    return head === undefined ? bytes : Stream.concat(Stream.make(head), bytes)
  })
  const all = Stream.concatAll(Chunk.make(Stream.make(payload), ...middle, Stream.make(tail)))
  return Stream.mapChunks(all, Chunk.flatMap(splitInHalf))
}

/**
 * `NodeHttpClient.layer` applies backpressure only between the parts of a chunk. With a single part
 * it would buffer the whole file.
 */
function splitInHalf(piece: Uint8Array): Chunk.Chunk<Uint8Array> {
  const half = piece.length >> 1
  return half === 0 ? Chunk.of(piece) : Chunk.make(piece.subarray(0, half), piece.subarray(half))
}

/** Returns the bytes of the files, and reports each chunk to the listener if there is one. */
function reportProgress(
  attempt: number,
  files: ReadonlyArray<FileUpload>,
  listener: OnProgress | undefined,
  open: (file: FileUpload) => ByteStream,
): ReadonlyArray<ByteStream> {
  if (listener === undefined) return files.map(open)
  const total = sum(files.map(({ size }) => size))
  let sent = 0
  return files.map((file) => {
    const report = Effect.suspend(() => listener({ attempt, file: file.name, sent, total }))
    const reported = Stream.tap(open(file), ({ length }) => {
      sent += length
      return report
    })
    return Stream.concat(Stream.drain(Stream.fromEffect(report)), reported)
  })
}

/** Returns the first error. `kept` is the number of files that an edit leaves on the message. */
export function findFileError(
  route: Route,
  files: ReadonlyArray<FileUpload>,
  kept: number,
  limits: UploadLimits,
): WebhookFileError | undefined {
  return findInvalidFile(route, files) ?? findExceededLimit(route, files, kept, limits)
}

function findInvalidFile(
  route: Route,
  files: ReadonlyArray<FileUpload>,
): WebhookFileError | undefined {
  const names = new Set<string>()
  for (const file of files) {
    const { name, size } = file
    const place = { ...errorFields(route), file: getLabel(file) }
    if (!Number.isSafeInteger(size) || size < 0) {
      return new WebhookFileError({ ...place, reason: "invalidSize", size, delivered: "no" })
    }
    if (isConsumed(file)) return makeAlreadyReadError(place)
    if (names.has(name)) {
      return new WebhookFileError({
        ...errorFields(route),
        file: name,
        reason: "duplicateName",
        delivered: "no",
      })
    }
    names.add(name)
  }
  return undefined
}

function findExceededLimit(
  route: Route,
  files: ReadonlyArray<FileUpload>,
  kept: number,
  limits: UploadLimits,
): WebhookFileError | undefined {
  const over = findFirstOver(files, kept, limits)
  if (over === undefined) return undefined
  const { file, ...figures } = over
  const preset = Object.entries(presets).find(
    ([, other]) => findFirstOver(files, kept, other) === undefined,
  )
  return new WebhookFileError({
    ...errorFields(route),
    file: getLabel(file),
    ...figures,
    ...(preset === undefined ? {} : { preset: preset[0] }),
    delivered: "no",
  })
}

interface ExceededLimit {
  readonly reason: "tooMany" | "tooLarge" | "totalTooLarge"
  readonly file: FileUpload
  readonly size: number
  readonly limit: number
}

function findFirstOver(
  files: ReadonlyArray<FileUpload>,
  kept: number,
  { maxFileBytes, maxFiles, maxTotalBytes }: UploadLimits,
): ExceededLimit | undefined {
  let total = 0
  for (const [index, file] of files.entries()) {
    const { size } = file
    total += size
    if (kept + index >= maxFiles) {
      return { reason: "tooMany", file, size: kept + files.length, limit: maxFiles }
    }
    if (size > maxFileBytes) return { reason: "tooLarge", file, size, limit: maxFileBytes }
    if (total > maxTotalBytes) {
      return { reason: "totalTooLarge", file, size: total, limit: maxTotalBytes }
    }
  }
  return undefined
}
