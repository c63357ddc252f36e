/** What a request is, before anything is known of how it will be carried. */
import type * as HttpBody from "@effect/platform/HttpBody"
import type * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import type * as Redacted from "effect/Redacted"
import type { FileError, Issue } from "../error/WebhookError.js"
import type { Route } from "../ratelimit/Route.js"

export interface RestRequest<A> {
  readonly route: Route
  /** What follows the base URL, query included. It holds the token, so it cannot be printed. */
  readonly path: Redacted.Redacted
  /** Blanked out of every text that comes back. */
  readonly token: Redacted.Redacted
  /** Whether `thread_id` is given, which tells an unknown thread from an unknown channel. */
  readonly inThread: boolean
  /** Whether a new thread is asked for. */
  readonly startsThread?: boolean
  /** Beside those of every request. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body: HttpBody.HttpBody | Upload
  /** Doing it twice is the same as doing it once. */
  readonly idempotent: boolean
  readonly success: Success<A>
  /**
   * For a DELETE: the code by which Discord says that there is no such thing. When an earlier
   * attempt of the same request may have deleted it, that is the success it asked for.
   */
  readonly absent?: { readonly code: number; readonly value: A }
}

/** A body that is read from files, anew for each attempt. */
export interface Upload {
  readonly _tag: "Upload"
  /** Bytes of the whole body. */
  readonly size: number
  /** Lends the body of one attempt; interrupts the attempt as soon as a file fails. */
  readonly lend: <A, E>(
    use: (body: HttpBody.HttpBody) => Effect.Effect<A, E>,
  ) => Effect.Effect<A, E | FileError>
  /** The name of a file that has been read, in part at least, and cannot be read again. */
  readonly spent: () => string | undefined
}

/** How a 2xx answer becomes the result. `Ignored` is right with any body, or with none. */
export type Success<A> =
  | { readonly _tag: "Ignored"; readonly value: A }
  | { readonly _tag: "Decoded"; readonly decode: (json: unknown) => Either.Either<A, Issues> }

export type Issues = ReadonlyArray<Issue>

export const ignored: Success<void> = { _tag: "Ignored", value: undefined }

export const decoded = <A>(decode: (json: unknown) => Either.Either<A, Issues>): Success<A> => ({
  _tag: "Decoded",
  decode,
})
