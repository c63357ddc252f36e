/**
 * Discord's side of a dry run. Parses a request of the SDK: the operation from its URL, JSON and files
 * from its body. Makes the fake responses, and keeps the bounded state that they are made from.
 */
import { RequestError } from "@effect/platform/HttpClientError"
import type { HttpClientRequest } from "@effect/platform/HttpClientRequest"
import type { HttpMethod } from "@effect/platform/HttpMethod"
import * as Multipart from "@effect/platform/Multipart"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { rememberLatest } from "../model/rememberLatest.js"
import * as Snowflake from "../model/Snowflake.js"

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

/** `json` absent: the body is `text`, or empty. */
export interface FakeResponse {
  readonly status: number
  readonly json?: JsonObject
  readonly text?: string
}

/** Maximum number of messages; the oldest are evicted. */
const maxMessages = 1000
const maxNames = 1000

/** The first valid time of an id is in 2015; the clock of a test begins in 1970. */
const firstMoment = 1_420_070_400_001

const defaultName = "Dry run"
const noContent: FakeResponse = { status: 204 }
const unknownMessage: FakeResponse = {
  status: 404,
  json: { message: "Unknown Message", code: 10008 },
}

export class FakeResponses {
  /** `undefined`: deleted. */
  readonly #messages = new Map<string, JsonObject | undefined>()
  readonly #names = new Map<string, string>()
  #lastId = 0n

  /** No response has rate limit headers: only Discord could know them. */
  respond(operation: DryRunOperation, payload: Payload, now: number): FakeResponse {
    if (operation.messageId !== undefined)
      return this.#respondToMessage(operation, operation.messageId, payload, now)
    if (operation.method === "POST") return this.#respondToPost(operation, payload, now)
    // The webhook still exists afterwards, because other programs may share the limiter.
    if (operation.method === "DELETE") return noContent
    return this.#respondToWebhook(operation, payload)
  }

  #respondToPost(operation: DryRunOperation, payload: Payload, now: number): FakeResponse {
    const { wait } = operation.query
    if (operation.service === "slack")
      return wait === "false" ? noContent : { status: 200, text: "ok" }
    if (operation.service === "github") return noContent
    const id = this.#newId(now)
    const context = this.#createContext(operation, id, now)
    const isPost = typeof toJsonObject(payload.json)["thread_name"] === "string"
    // The id of a forum post is the id of its first message.
    const message = messageJson(payload, isPost ? { ...context, channelId: id } : context)
    rememberLatest(this.#messages, id, message, maxMessages)
    return wait === "true" ? { status: 200, json: message } : noContent
  }

  /** A message that this run did not send is assumed to exist, without content. */
  #respondToMessage(
    operation: DryRunOperation,
    messageId: string,
    payload: Payload,
    now: number,
  ): FakeResponse {
    const isOriginal = messageId === "@original"
    const context = this.#createContext(operation, isOriginal ? this.#newId(now) : messageId, now)
    // Every interaction has its own original response.
    const key = isOriginal ? Redacted.value(operation.token) : messageId
    const message = this.#messages.has(key)
      ? this.#messages.get(key)
      : messageJson({ json: undefined, files: [] }, context)
    if (message === undefined) return unknownMessage
    if (operation.method === "DELETE") {
      rememberLatest(this.#messages, key, undefined, maxMessages)
      return noContent
    }
    const after =
      operation.method === "PATCH" ? editedMessageJson(message, payload, context) : message
    rememberLatest(this.#messages, key, after, maxMessages)
    return { status: 200, json: after }
  }

  #respondToWebhook({ method, webhookId }: DryRunOperation, payload: Payload): FakeResponse {
    const { name } = toJsonObject(payload.json)
    if (method === "PATCH" && typeof name === "string") {
      rememberLatest(this.#names, webhookId, name, maxNames)
    }
    return {
      status: 200,
      json: {
        id: webhookId,
        type: 1,
        channel_id: webhookId,
        name: this.#names.get(webhookId) ?? defaultName,
        avatar: null,
      },
    }
  }

  #createContext({ query, webhookId }: DryRunOperation, id: string, now: number): MessageContext {
    return {
      id,
      channelId: query["thread_id"] ?? webhookId,
      webhookId,
      username: this.#names.get(webhookId) ?? defaultName,
      now,
      newId: () => this.#newId(now),
    }
  }

  /** Returns an id of the current time (at least Discord's first), greater than all ids before. */
  #newId(now: number): string {
    const ofNow = BigInt(Snowflake.fromTimestamp(Math.max(now, firstMoment)))
    this.#lastId = ofNow > this.#lastId ? ofNow : this.#lastId + 1n
    return String(this.#lastId)
  }
}

type JsonObject = { readonly [key: string]: unknown }

/** Milliseconds in an hour, the unit of a poll's duration; Discord's default is a day. */
const hour = 3_600_000
const pollHours = 24

/** The values of a message that do not come from the request. */
interface MessageContext {
  readonly id: string
  readonly channelId: string
  readonly webhookId: string
  readonly username: string
  /** Epoch milliseconds. */
  readonly now: number
  readonly newId: () => string
}

function messageJson(payload: Payload, context: MessageContext): JsonObject {
  const sent = toJsonObject(payload.json)
  return {
    id: context.id,
    channel_id: context.channelId,
    webhook_id: context.webhookId,
    type: 0,
    author: {
      id: context.webhookId,
      username: sent["username"] ?? context.username,
      avatar: null,
      discriminator: "0000",
      bot: true,
    },
    content: sent["content"] ?? "",
    embeds: sent["embeds"] ?? [],
    components: sent["components"] ?? [],
    attachments: toAttachments(payload, context),
    mentions: [],
    mention_roles: [],
    mention_everyone: false,
    pinned: false,
    tts: sent["tts"] ?? false,
    flags: sent["flags"] ?? 0,
    timestamp: formatTimestamp(context.now),
    edited_timestamp: null,
    ...(Predicate.isRecord(sent["poll"]) ? { poll: openPoll(sent["poll"], context.now) } : {}),
  }
}

/**
 * Absent fields stay, `null` clears. `attachments`, if present, lists the attachments that stay.
 */
function editedMessageJson(
  before: JsonObject,
  payload: Payload,
  context: MessageContext,
): JsonObject {
  const sent = toJsonObject(payload.json)
  const after = (key: string, empty: unknown) => (key in sent ? (sent[key] ?? empty) : before[key])
  return {
    ...before,
    content: after("content", ""),
    embeds: after("embeds", []),
    components: after("components", []),
    flags: after("flags", 0),
    attachments: [...keepAttachments(before, sent), ...toAttachments(payload, context)],
    edited_timestamp: formatTimestamp(context.now),
  }
}

function toJsonObject(json: unknown): JsonObject {
  return Predicate.isRecord(json) ? json : {}
}

function formatTimestamp(millis: number): string {
  return DateTime.formatIso(DateTime.unsafeMake(millis))
}

function keepAttachments(before: JsonObject, sent: JsonObject): ReadonlyArray<JsonObject> {
  const old = toList(before["attachments"])
  if (!("attachments" in sent)) return old
  const stays = new Set(toList(sent["attachments"]).map(({ id }) => String(id)))
  return old.filter(({ id }) => stays.has(String(id)))
}

function toAttachments(
  { files, json }: Payload,
  context: MessageContext,
): ReadonlyArray<JsonObject> {
  const described = toList(toJsonObject(json)["attachments"])
  return files.map((file) => {
    const id = context.newId()
    const { description, title } =
      described.find((one) => `files[${String(one["id"])}]` === file.key) ?? {}
    const url = `https://cdn.discordapp.com/attachments/${context.channelId}/${id}/${encodeURIComponent(file.name)}`
    return { id, ...getFileFields(file), url, proxy_url: url, description, title }
  })
}

function getFileFields({ contentType, name, size }: File): JsonObject {
  return { filename: name, size, content_type: contentType }
}

function openPoll(poll: JsonObject, now: number): JsonObject {
  const { duration } = poll
  const hours = typeof duration === "number" ? duration : pollHours
  return {
    ...poll,
    answers: toList(poll["answers"]).map((answer, index) => ({ ...answer, answer_id: index + 1 })),
    expiry: formatTimestamp(now + hours * hour),
  }
}

function toList(value: unknown): ReadonlyArray<JsonObject> {
  return Array.isArray(value) ? value.filter(Predicate.isRecord) : []
}
