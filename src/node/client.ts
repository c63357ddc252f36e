/** The platform's `HttpClient` on undici's `dispatch`, at half the price of its `request`. */
import * as NodeStream from "@effect/platform-node/NodeStream"
import type { Dispatcher } from "@effect/platform-node/Undici"
import type * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { constVoid } from "effect/Function"
import * as Option from "effect/Option"
import { registerDirect, RequestStart, type DirectTransport } from "../rest/transports/direct.js"
import { UndiciResponse } from "./response.js"
import { Exchange, noTimeouts, uncompressed } from "./exchange.js"
import * as Headers from "@effect/platform/Headers"
import { decodeText } from "../rest/transports/responseBody.js"

type Body = Exclude<Dispatcher.DispatchOptions["body"], undefined>

/** An `HttpClient` that follows no redirect. */
export function makeClient(dispatcher: Dispatcher): HttpClient.HttpClient {
  const client = HttpClient.make((request, url, signal, fiber) => {
    const onStart = Option.getOrElse(
      Context.getOption(fiber.currentContext, RequestStart),
      () => constVoid,
    )
    const send = (body: Body) => execute(dispatcher, request, url, signal, body, onStart)
    return request.body._tag === "Stream"
      ? Effect.flatMap(NodeStream.toReadable(request.body.stream), send)
      : send(toUndiciBody(request.body))
  })
  return registerDirect(client, makeDirect(dispatcher))
}

function toUndiciBody(body: Exclude<HttpBody.HttpBody, HttpBody.Stream>): Body {
  if (body._tag === "Empty") return null
  // The platform leaves this untyped; undici checks it.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return (body._tag === "FormData" ? body.formData : body.body) as Body
}

function execute(
  dispatcher: Dispatcher,
  request: HttpClientRequest.HttpClientRequest,
  url: URL,
  signal: AbortSignal,
  body: Body,
  onStart: () => void,
): Effect.Effect<UndiciResponse, HttpClientError.RequestError> {
  return Effect.async((resume) => {
    const fail = (cause: unknown): void => {
      const error = new HttpClientError.RequestError({ request, reason: "Transport", cause })
      resume(Effect.fail(error))
    }
    const exchange: Exchange = new Exchange(
      onStart,
      (head) => resume(Effect.succeed(new UndiciResponse(request, head, exchange))),
      fail,
    )
    signal.addEventListener("abort", exchange.abort, { once: true })
    const options: Dispatcher.DispatchOptions = {
      ...noTimeouts,
      method: request.method,
      headers: { ...uncompressed, ...request.headers },
      origin: url.origin,
      path: url.pathname + url.search,
      body,
    }
    try {
      dispatcher.dispatch(options, exchange)
    } catch (error) {
      fail(error)
    }
  })
}

/** Sends requests of this SDK without the platform's `HttpClient`; see `rest/transports/direct.ts`. */
function makeDirect(dispatcher: Dispatcher): DirectTransport {
  return ({ body, headers, method, origin, path }, listener) => {
    const onBroken = (error: unknown): void => listener.onError(error)
    const exchange: Exchange = new Exchange(
      () => listener.onStart(),
      (head) => {
        listener.onHead(head.status, Headers.fromInput(head.headers))
        exchange.collect((chunks) => listener.onComplete(decodeText(chunks)), onBroken)
      },
      onBroken,
    )
    const all = { ...uncompressed, ...headers }
    dispatcher.dispatch({ ...noTimeouts, method, origin, path, headers: all, body }, exchange)
    return exchange.abort
  }
}
