/** What a request is, before anything is known of how it will be carried. */
import type * as HttpBody from "@effect/platform/HttpBody"
import type * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import type { Issue, WebhookFileError } from "../error/WebhookError.js"
import type { Route } from "../ratelimit/Route.js"

export interface RestRequest<A> {
  readonly route: Route
  /** Blanked out of every text that comes back. */
  readonly token: Redacted.Redacted
  /** What follows the token in the URL, query included. */
  readonly suffix: string
  /** Whether `thread_id` is given, which tells an unknown thread from an unknown channel. */
  readonly inThread: boolean
  /** Whether a new thread is asked for. */
  readonly startsThread: boolean
  /** Beside those of every request. */
  readonly headers: Readonly<Record<string, string>> | undefined
  readonly body: RequestBody
  /** Doing it twice is the same as doing it once. */
  readonly idempotent: boolean
  readonly success: ResponseBody<A>
  /**
   * For a DELETE: the code by which Discord says that there is no such thing. When an earlier
   * attempt of the same request may have deleted it, that is the success it asked for.
   */
  readonly notFound: { readonly code: number; readonly value: A } | undefined
}

type Optional = "startsThread" | "headers" | "notFound"

/**
 * All requests have one shape: put together by spreads each would have a shape of its own, which
 * costs the engine 300 bytes and every reader its speed.
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

/** What follows the base URL. It holds the token. */
export const getPath = ({ route, suffix, token }: RestRequest<unknown>): string =>
  `/webhooks/${route.webhookId}/${Redacted.value(token)}${suffix}`

type RequestBody = EmptyBody | JsonBody | UploadBody

export interface EmptyBody {
  readonly _tag: "Empty"
}

/** Text, because it is half of what bytes are to the memory of those who wait. */
export interface JsonBody {
  readonly _tag: "Json"
  readonly text: string
}

export const emptyBody: EmptyBody = { _tag: "Empty" }

/** Throws what `JSON.stringify` throws: on a bigint, and on what holds itself. */
export const jsonBody = (value: unknown): JsonBody => ({
  _tag: "Json",
  text: JSON.stringify(value),
})

/** A body that is read from files, anew for each attempt. */
export interface UploadBody {
  readonly _tag: "Upload"
  /** Bytes of the whole body. */
  readonly size: number
  /** Lends the body of one attempt; interrupts the attempt as soon as a file fails. */
  readonly withBody: <A, E>(
    use: (body: HttpBody.HttpBody) => Effect.Effect<A, E>,
  ) => Effect.Effect<A, E | WebhookFileError>
  /** The name of a file that has been read, in part at least, and cannot be read again. */
  readonly consumedFile: () => string | undefined
}

/**
 * How a 2xx response becomes the result. `Ignored` needs no more than a sign that it is Discord's;
 * `text` is what Discord returns in place of JSON.
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

/** What the Slack-compatible endpoint returns, whatever `wait` is. */
export const okBody: ResponseBody<void> = { _tag: "Ignored", value: undefined, text: "ok" }

export const decodedBody = <A>(
  decode: (json: unknown) => Either.Either<A, Issues>,
): ResponseBody<A> => ({
  _tag: "Decoded",
  decode,
})
