/**
 * The form in which a request is stored: the JSON that Discord gets, and the rest of the URL without the
 * token. It does not depend on types of this package, so another version can send it.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type { WebhookFileError } from "../error/WebhookError.js"
import * as codec from "../model/codec.js"
import * as Issue from "../model/Issue.js"
import { Snowflake } from "../model/Snowflake.js"
import { decodedBody, emptyBody, jsonBody, makeRequest } from "../rest/request.js"
import type { ResponseBody, RestRequest } from "../rest/request.js"
import { FileUpload } from "../rest/upload/file.js"
import * as upload from "../rest/upload/upload.js"
import type { Webhook } from "../webhook/credentials.js"
import { getEndpoint, makeRoute } from "../webhook/operations.js"
import type { OperationName } from "../webhook/operations.js"
import type { Operation, StoredFile } from "./store.js"

/** A message id that stands for the message of another entry. */
export const targetPlaceholder = "0"

const StoredRequest = Schema.Struct({
  /** The part of the URL after the token. */
  suffix: Schema.String,
  inThread: Schema.Boolean,
  startsThread: Schema.Boolean,
  /** Absent for a DELETE. */
  body: Schema.optionalWith(Schema.Unknown, { exact: true }),
  /** The entry whose message is edited or deleted; the message id in `suffix` is then `0`. */
  target: Schema.optionalWith(Schema.String, { exact: true }),
})
export type StoredRequest = typeof StoredRequest.Type

const parseStored = Schema.decodeEither(Schema.parseJson(StoredRequest))

/** The names that errors give to the operations. */
export const operationNames: Readonly<Record<Operation, string>> = {
  send: "Outbox.send",
  edit: "Outbox.edit",
  delete: "Outbox.delete",
  createThread: "Outbox.createThread",
}

const endpoints: Readonly<Record<Operation, OperationName>> = {
  send: "send",
  edit: "editMessage",
  delete: "deleteMessage",
  createThread: "send",
}

/** What the outbox keeps of a response. */
export interface Receipt {
  readonly messageId: string | undefined
  readonly channelId: string | undefined
}

const Posted = Schema.Struct({ id: Snowflake, channel_id: Snowflake })

const postedBody: ResponseBody<Receipt> = (() => {
  const decode = codec.makeDecoder(Posted)
  return decodedBody((body) =>
    Either.mapBoth(decode(body), {
      onLeft: Issue.fromParseError,
      onRight: ({ channel_id, id }) => ({ messageId: id, channelId: channel_id }),
    }),
  )
})()

const nothing: Receipt = { messageId: undefined, channelId: undefined }

const deletedBody: ResponseBody<Receipt> = { _tag: "Ignored", value: nothing, text: undefined }

/** Encodes a request and reads its files. */
export const storeRequest = (
  { body, inThread, startsThread, suffix }: RestRequest<unknown>,
  target: string | undefined,
): Effect.Effect<
  { readonly request: string; readonly files: ReadonlyArray<StoredFile> },
  WebhookFileError
> => {
  const rest: StoredRequest = {
    suffix,
    inThread,
    startsThread,
    ...(target === undefined ? {} : { target }),
  }
  if (body._tag === "Empty") {
    return Effect.succeed({ request: JSON.stringify(rest), files: [] })
  }
  if (body._tag === "Json") {
    // The text of the body is JSON already.
    const request = `${JSON.stringify(rest).slice(0, -1)},"body":${body.text}}`
    return Effect.succeed({ request, files: [] })
  }
  return Effect.map(
    Effect.forEach(body.files, ({ bytes, contentType, name }) =>
      Effect.map(bytes, (read) => ({ name, contentType, bytes: read })),
    ),
    (files) => ({ request: JSON.stringify({ ...rest, body: body.json }), files }),
  )
}

/** Parses a stored request; the error describes the first mistake. */
export const parseRequest = (text: string): Either.Either<StoredRequest, string> =>
  Either.mapLeft(parseStored(text), (error) => {
    const [first] = Issue.fromParseError(error)
    return first === undefined ? "it is not a stored request" : `${first.path}: ${first.message}`
  })

/** Builds the request again, with the message of another entry in place of the placeholder. */
export const restoreRequest = (
  webhook: Webhook,
  operation: Operation,
  stored: StoredRequest,
  files: ReadonlyArray<StoredFile>,
  target: Receipt | undefined,
): Effect.Effect<RestRequest<Receipt>> => {
  const route = makeRoute(webhook, getEndpoint(endpoints[operation]), operationNames[operation])
  const parts = {
    route,
    token: webhook.token,
    suffix: target === undefined ? stored.suffix : insertTarget(stored.suffix, target),
    inThread: stored.inThread || target?.channelId !== undefined,
    startsThread: stored.startsThread,
  }
  if (operation === "delete") {
    return Effect.succeed(
      makeRequest({
        ...parts,
        body: emptyBody,
        idempotent: true,
        success: deletedBody,
        notFound: { code: 10008, value: nothing },
      }),
    )
  }
  const idempotent = operation === "edit"
  const body: Effect.Effect<RestRequest<Receipt>["body"]> =
    files.length === 0
      ? Effect.succeed(jsonBody(stored.body))
      : upload.makeUpload(route, stored.body, files.map(toFileUpload))
  return Effect.map(body, (made) =>
    makeRequest({ ...parts, body: made, idempotent, success: postedBody }),
  )
}

/** A message in a thread is found only with the id of the thread. */
function insertTarget(suffix: string, { channelId, messageId }: Receipt): string {
  const withMessage = suffix.replace(
    `/messages/${targetPlaceholder}`,
    () => `/messages/${messageId ?? targetPlaceholder}`,
  )
  if (channelId === undefined || /[?&]thread_id=/.test(withMessage)) return withMessage
  return `${withMessage}${withMessage.includes("?") ? "&" : "?"}thread_id=${channelId}`
}

function toFileUpload({ bytes, contentType, name }: StoredFile): FileUpload {
  return new FileUpload({
    name,
    contentType,
    size: bytes.byteLength,
    description: undefined,
    title: undefined,
    isSpoiler: undefined,
    durationSecs: undefined,
    waveform: undefined,
    source: { _tag: "Bytes", bytes },
    uploader: upload.uploader,
  })
}
