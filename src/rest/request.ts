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
  readonly body: Body
  /** Doing it twice is the same as doing it once. */
  readonly idempotent: boolean
  readonly success: Success<A>
  /**
   * For a DELETE: the code by which Discord says that there is no such thing. When an earlier
   * attempt of the same request may have deleted it, that is the success it asked for.
   */
  readonly absent: { readonly code: number; readonly value: A } | undefined
}

type Optional = "startsThread" | "headers" | "absent"

/**
 * All requests have one shape: put together by spreads each would have a shape of its own, which
 * costs the engine 300 bytes and every reader its speed.
 */
export const restRequest = <A>(
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
  absent: parts.absent,
})

/** What follows the base URL. It holds the token. */
export const pathOf = ({ route, suffix, token }: RestRequest<unknown>): string =>
  `/webhooks/${route.webhookId}/${Redacted.value(token)}${suffix}`

type Body = Empty | Json | Upload

export interface Empty {
  readonly _tag: "Empty"
}

/** Text, because it is half of what bytes are to the memory of those who wait. */
export interface Json {
  readonly _tag: "Json"
  readonly text: string
}

export const empty: Empty = { _tag: "Empty" }

/** Throws what `JSON.stringify` throws: on a bigint, and on what holds itself. */
export const json = (value: unknown): Json => ({ _tag: "Json", text: JSON.stringify(value) })

/** A body that is read from files, anew for each attempt. */
export interface Upload {
  readonly _tag: "Upload"
  /** Bytes of the whole body. */
  readonly size: number
  /** Lends the body of one attempt; interrupts the attempt as soon as a file fails. */
  readonly lend: <A, E>(
    use: (body: HttpBody.HttpBody) => Effect.Effect<A, E>,
  ) => Effect.Effect<A, E | WebhookFileError>
  /** The name of a file that has been read, in part at least, and cannot be read again. */
  readonly spent: () => string | undefined
}

/**
 * How a 2xx response becomes the result. `Ignored` needs no more than a sign that it is Discord's;
 * `text` is what Discord returns in place of JSON.
 */
export type Success<A> =
  | { readonly _tag: "Ignored"; readonly value: A; readonly text: string | undefined }
  | { readonly _tag: "Decoded"; readonly decode: (json: unknown) => Either.Either<A, Issues> }

type Issues = ReadonlyArray<Issue>

export const ignored: Success<void> = { _tag: "Ignored", value: undefined, text: undefined }

/** What the Slack-compatible endpoint returns, whatever `wait` is. */
export const ok: Success<void> = { _tag: "Ignored", value: undefined, text: "ok" }

export const decoded = <A>(decode: (json: unknown) => Either.Either<A, Issues>): Success<A> => ({
  _tag: "Decoded",
  decode,
})
