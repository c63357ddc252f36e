/** A request, independent of the transport that sends it. */
import type * as HttpBody from "@effect/platform/HttpBody"
import type * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import type { Issue, WebhookFileError } from "../error/WebhookError.js"
import type { Route } from "../ratelimit/Route.js"

export interface RestRequest<A> {
  readonly route: Route
  /** Redacted from every text of the response. */
  readonly token: Redacted.Redacted
  /** The part of the URL after the token, including the query. */
  readonly suffix: string
  /** Whether `thread_id` is given; it distinguishes an unknown thread from an unknown channel. */
  readonly inThread: boolean
  /** Whether the request starts a thread. */
  readonly startsThread: boolean
  /** In addition to those of every request. */
  readonly headers: Readonly<Record<string, string>> | undefined
  readonly body: RequestBody
  /** Whether repeating the request has no further effect. */
  readonly idempotent: boolean
  readonly success: ResponseBody<A>
  /**
   * For a DELETE: Discord's code for a resource that does not exist. If an earlier attempt of the
   * request may have deleted it, this is a success.
   */
  readonly notFound: { readonly code: number; readonly value: A } | undefined
}

type Optional = "startsThread" | "headers" | "notFound"

/**
 * Creates a request. All requests have the same properties in the same order; objects built by
 * spreads would have a hidden class each, which costs 300 bytes and slows down every access.
 */
export const makeRequest = <A>(
  parts: Omit<RestRequest<A>, Optional> & Partial<RestRequest<A>>,
): RestRequest<A> => ({
  route: parts.route,
  token: parts.token,
  suffix: parts.suffix,
  inThread: parts.inThread,
  startsThread: parts.startsThread ?? false,
  headers: parts.headers,
  body: parts.body,
  idempotent: parts.idempotent,
  success: parts.success,
  notFound: parts.notFound,
})

/** The path after the base URL. It contains the token. */
export const getPath = ({ route, suffix, token }: RestRequest<unknown>): string =>
  `/webhooks/${route.webhookId}/${Redacted.value(token)}${suffix}`

type RequestBody = EmptyBody | JsonBody | UploadBody

export interface EmptyBody {
  readonly _tag: "Empty"
}

/** Text, because a string takes half the memory of its bytes while a request waits. */
export interface JsonBody {
  readonly _tag: "Json"
  readonly text: string
}

export const emptyBody: EmptyBody = { _tag: "Empty" }

/** Throws if `JSON.stringify` does: for a bigint and for a circular value. */
export const jsonBody = (value: unknown): JsonBody => ({
  _tag: "Json",
  text: JSON.stringify(value),
})

/** A body that is read from files, again for each attempt. */
export interface UploadBody {
  readonly _tag: "Upload"
  /** Bytes of the whole body. */
  readonly size: number
  /** Provides the body of one attempt; interrupts the attempt if a file fails. */
  readonly withBody: <A, E>(
    use: (body: HttpBody.HttpBody) => Effect.Effect<A, E>,
  ) => Effect.Effect<A, E | WebhookFileError>
  /** The name of a file that has been read at least partly and cannot be read again. */
  readonly consumedFile: () => string | undefined
}

/**
 * How a 2xx response becomes the result. `Ignored` requires only that Discord sent it; `text` is
 * what Discord returns in place of JSON.
 */
export type ResponseBody<A> =
  | { readonly _tag: "Ignored"; readonly value: A; readonly text: string | undefined }
  | { readonly _tag: "Decoded"; readonly decode: (json: unknown) => Either.Either<A, Issues> }

type Issues = ReadonlyArray<Issue>

export const ignoredBody: ResponseBody<void> = {
  _tag: "Ignored",
  value: undefined,
  text: undefined,
}

/** The Slack-compatible endpoint returns this text, with and without `wait`. */
export const okBody: ResponseBody<void> = { _tag: "Ignored", value: undefined, text: "ok" }

export const decodedBody = <A>(
  decode: (json: unknown) => Either.Either<A, Issues>,
): ResponseBody<A> => ({
  _tag: "Decoded",
  decode,
})
