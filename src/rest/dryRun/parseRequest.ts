/** Parses a request of the SDK: the operation from its URL, JSON and files from its body. */
import { RequestError } from "@effect/platform/HttpClientError"
import type { HttpClientRequest } from "@effect/platform/HttpClientRequest"
import type { HttpMethod } from "@effect/platform/HttpMethod"
import * as Multipart from "@effect/platform/Multipart"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

/** The operation that a request calls. URLs that are not of a webhook have none. */
export interface DryRunOperation {
  readonly method: HttpMethod
  /** Method and path template, without the token. */
  readonly route: string
  readonly webhookId: string
  readonly token: Redacted.Redacted
  readonly service: "slack" | "github" | undefined
  readonly messageId: string | undefined
  readonly query: Readonly<Record<string, string>>
}

const path =
  /\/webhooks\/(?<webhookId>\d+)\/(?<token>[^/]+)(?:\/(?<service>slack|github)|\/messages\/(?<messageId>[^/]+))?$/

export function parseOperation(method: HttpMethod, url: URL): DryRunOperation | undefined {
  const { messageId, service, token, webhookId } = path.exec(url.pathname)?.groups ?? {}
  if (webhookId === undefined || token === undefined) return undefined
  const message = messageId === "@original" ? messageId : "{message.id}"
  const suffix = messageId === undefined ? "" : `/messages/${message}`
  return {
    method,
    route: `${method} /webhooks/{webhook.id}/{webhook.token}${service === undefined ? suffix : `/${service}`}`,
    webhookId,
    token: Redacted.make(token),
    service: service === "slack" || service === "github" ? service : undefined,
    messageId,
    query: Object.fromEntries(url.searchParams),
  }
}

/**
 * A file that would have been uploaded.
 *
 * @since 0.1.0
 * @category models
 */
export interface File {
  /** The name of the part in the form, such as `files[0]`. */
  readonly key: string
  readonly name: string
  readonly contentType: string
  /** Bytes. */
  readonly size: number
}

export interface Payload {
  /** `undefined` if there is none. */
  readonly json: unknown
  readonly files: ReadonlyArray<File>
}

type Bytes = Stream.Stream<Uint8Array, RequestError>

const emptyPayload: Payload = { json: undefined, files: [] }

const parseJson = Schema.decodeUnknownEither(Schema.parseJson())

const ascii = new TextDecoder("latin1")

/** A form ends with two dashes and a line break. */
const formEnd = { length: 4, pattern: /--\s*$/ }

/** Reads the whole body. The bytes of files are counted and not kept. */
export function parsePayload(request: HttpClientRequest): Effect.Effect<Payload, RequestError> {
  const { body } = request
  if (body._tag !== "Uint8Array" && body._tag !== "Stream") return Effect.succeed(emptyPayload)
  const unreadable = new RequestError({ request, reason: "Encode" })
  const bytes =
    body._tag === "Stream" ? Stream.mapError(body.stream, () => unreadable) : Stream.make(body.body)
  return body.contentType.startsWith("multipart/form-data")
    ? readForm(body.contentType, bytes, unreadable)
    : Effect.map(readText(bytes), (text) => ({ json: parseJsonOrText(text), files: [] }))
}

function readText(bytes: Bytes): Effect.Effect<string, RequestError> {
  return bytes.pipe(Stream.decodeText(), Stream.mkString)
}

/** Invalid JSON is returned as text. */
function parseJsonOrText(text: string): unknown {
  return text === "" ? undefined : Either.getOrElse(parseJson(text), () => text)
}

function readForm(
  contentType: string,
  bytes: Bytes,
  unreadable: RequestError,
): Effect.Effect<Payload, RequestError> {
  return Effect.gen(function* () {
    const broken = yield* Deferred.make<never, RequestError>()
    const reading = requireComplete(bytes, unreadable).pipe(
      Stream.tapErrorCause((cause) => Deferred.failCause(broken, cause)),
      Stream.pipeThroughChannel(Multipart.makeChannel({ "content-type": contentType })),
      Stream.runFoldEffect(emptyPayload, addPart),
      Effect.mapError(() => unreadable),
      // Otherwise a JSON file would be parsed as a field.
      Effect.provideService(Multipart.FieldMimeTypes, Chunk.empty()),
    )
    // The parser would wait forever for the rest of a file whose source failed.
    return yield* Effect.raceFirst(reading, Deferred.await(broken))
  })
}

function addPart(
  payload: Payload,
  part: Multipart.Part,
): Effect.Effect<Payload, Multipart.MultipartError> {
  if (part._tag === "Field") {
    const json = part.key === "payload_json" ? parseJsonOrText(part.value) : payload.json
    return Effect.succeed({ ...payload, json })
  }
  const { contentType, key, name } = part
  const counted = Stream.runFold(part.content, 0, (size, chunk) => size + chunk.length)
  return Effect.map(counted, (size) => ({
    ...payload,
    files: [...payload.files, { key, name, contentType, size }],
  }))
}

/** Fails if the body does not end as a complete form does. */
function requireComplete(bytes: Bytes, unreadable: RequestError): Bytes {
  return Stream.suspend(() => {
    let end = ""
    const watched = Stream.tap(bytes, (chunk) =>
      Effect.sync(() => {
        const last = ascii.decode(chunk.subarray(-formEnd.length))
        end = (end + last).slice(-formEnd.length)
      }),
    )
    const complete = Stream.suspend(() =>
      formEnd.pattern.test(end) ? Stream.empty : Stream.fail(unreadable),
    )
    return Stream.concat(watched, complete)
  })
}
