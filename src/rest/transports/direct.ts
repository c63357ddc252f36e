/**
 * The direct transport: a client that can send a request without `HttpClient` registers a function
 * for it. `sendDirect` uses that function; `sendWithClient` serves every other client and all
 * uploads. Both must behave the same (test/e2e, test/rest/direct.test.ts).
 *
 * `HttpClient` creates a URL, an abort signal, a fiber and a response for each request. Without them
 * a `send` on `NodeDiscord.layer` takes 0.9 to 1.4 times the processor time of the bare `HttpClient`
 * call on the same client, and 1.9 to 2.9 times on a client without a direct transport
 * (`bench:cost`, rows NodeDiscord and socket).
 *
 * A client derived from such a client (`HttpClient.mapRequest`) is another client, which has no
 * direct transport.
 */
import type * as HttpClient from "@effect/platform/HttpClient"
import type { HttpMethod } from "@effect/platform/HttpMethod"
import * as Context from "effect/Context"

export interface DirectRequest {
  readonly method: HttpMethod
  readonly origin: string
  /** Including the query; it contains the token. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

/** Called in this order; nothing is called after `onComplete` or `onError`. */
export interface ResponseListener {
  /** The request is about to be written to a connection. Nothing of it can have arrived before. */
  onStart(): void
  /** The names are in lower case. */
  onHead(status: number, headers: Readonly<Record<string, string | undefined>>): void
  onComplete(body: string): void
  onError(cause: unknown): void
}

/** Sends a request and returns a function that aborts it and its connection. */
export type DirectTransport = (request: DirectRequest, listener: ResponseListener) => () => void

/**
 * Called when a request is about to be written, by a client with a direct transport that sends a
 * request through its `HttpClient`, as it does for uploads.
 */
export class RequestStart extends Context.Tag("effect-discord/RequestStart")<
  RequestStart,
  () => void
>() {}

const directTransports = new WeakMap<HttpClient.HttpClient, DirectTransport>()

export function registerDirect(
  client: HttpClient.HttpClient,
  direct: DirectTransport,
): HttpClient.HttpClient {
  directTransports.set(client, direct)
  return client
}

export function getDirect(client: HttpClient.HttpClient): DirectTransport | undefined {
  return directTransports.get(client)
}
