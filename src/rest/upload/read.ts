/** Reads a file and checks its size, which the request has already declared. */
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Function from "effect/Function"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { WebhookFileError } from "../../error/WebhookError.js"
import { errorFields } from "../../error/message.js"
import type { ErrorFields } from "../../error/message.js"
import type { Route } from "../../ratelimit/Route.js"
import { readField } from "../sanitize.js"
import { getLabel, type FileUpload, type Source } from "./file.js"

/** A file in memory is split into chunks of this many bytes, so that progress can be reported. */
const chunkSize = 64 * 1024

/** Fails with a `WebhookFileError` if the source fails, or has more or fewer than `file.size` bytes. */
export function readFile(
  route: Route,
  file: FileUpload,
): Stream.Stream<Uint8Array, WebhookFileError> {
  const context = { ...errorFields(route), file: getLabel(file) }
  return Stream.suspend(() => {
    const { source } = file
    if (source._tag === "Stream" && source.once !== undefined) {
      if (source.once.isRead) return Stream.fail(makeAlreadyReadError(context))
      source.once.isRead = true
    }
    const bytes = Stream.catchAllCause(openSource(source), (cause) =>
      Cause.isInterruptedOnly(cause)
        ? Stream.failCause(Cause.stripFailures(cause))
        : Stream.fail(toFileError(context, Cause.squash(cause))),
    )
    return requireSize(context, file.size, bytes)
  })
}

interface FileContext extends ErrorFields {
  readonly file: string
}

export function makeAlreadyReadError(context: FileContext): WebhookFileError {
  const detail = "it has already been read"
  return new WebhookFileError({ ...context, reason: "readOnce", detail, delivered: "no" })
}

function openSource(source: Source): Stream.Stream<Uint8Array, unknown> {
  switch (source._tag) {
    case "Bytes":
      return splitBytes(source.bytes)
    case "Blob":
      return Stream.fromReadableStream(() => source.blob.stream(), Function.identity)
    case "Stream":
    default:
      return source.stream
  }
}

function splitBytes(bytes: Uint8Array): Stream.Stream<Uint8Array> {
  return Stream.unfold(0, (from) =>
    from >= bytes.length
      ? Option.none()
      : Option.some([bytes.subarray(from, from + chunkSize), from + chunkSize]),
  )
}

/** Fails before the request is complete, so that a changed file is not posted. */
function requireSize(
  context: FileContext,
  size: number,
  bytes: Stream.Stream<Uint8Array, WebhookFileError>,
): Stream.Stream<Uint8Array, WebhookFileError> {
  return Stream.suspend(() => {
    let count = 0
    const changed = (): WebhookFileError =>
      new WebhookFileError({
        ...context,
        reason: "changed",
        size: count,
        limit: size,
        delivered: "no",
      })
    const counted = Stream.mapChunksEffect(bytes, (chunk) => {
      count += Chunk.reduce(chunk, 0, (sum, { length }) => sum + length)
      // An empty chunk would stall a Node stream.
      return count > size
        ? Effect.fail(changed())
        : Effect.succeed(Chunk.filter(chunk, ({ length }) => length > 0))
    })
    const atTheEnd = Stream.suspend(() => (count < size ? Stream.fail(changed()) : Stream.empty))
    return Stream.concat(counted, atTheEnd)
  })
}

export function toFileError(
  context: Partial<ErrorFields> & { readonly file: string },
  failure: unknown,
): WebhookFileError {
  const detail = getErrorName(failure)
  return detail === "NotFound"
    ? new WebhookFileError({ ...context, reason: "missing", delivered: "no" })
    : new WebhookFileError({
        ...context,
        reason: "unreadable",
        ...(detail === undefined ? {} : { detail }),
        delivered: "no",
      })
}

/** The reason of a platform error, the tag of an error of Effect, or the name of any other. */
function getErrorName(failure: unknown): string | undefined {
  const words = ["reason", "_tag", "name"].map((key) => readField(failure, key))
  return words.find((word): word is string => typeof word === "string" && /^\w{1,40}$/.test(word))
}
