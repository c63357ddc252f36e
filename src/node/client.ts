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
import { hasDirect, RequestStart } from "../rest/direct.js"
import { Answer } from "./answer.js"
import { directOn } from "./direct.js"
import { Exchange, noTimeouts, uncompressed } from "./exchange.js"

type Body = Exclude<Dispatcher.DispatchOptions["body"], undefined>

/** No redirect is followed. */
export function make(dispatcher: Dispatcher): HttpClient.HttpClient {
  const client = HttpClient.make((request, url, signal, fiber) => {
    const onStart = Option.getOrElse(
      Context.getOption(fiber.currentContext, RequestStart),
      () => constVoid,
    )
    const send = (body: Body) => sent(dispatcher, request, url, signal, body, onStart)
    return request.body._tag === "Stream"
      ? Effect.flatMap(NodeStream.toReadable(request.body.stream), send)
      : send(bodyOf(request.body))
  })
  return hasDirect(client, directOn(dispatcher))
}

function bodyOf(body: Exclude<HttpBody.HttpBody, HttpBody.Stream>): Body {
  if (body._tag === "Empty") return null
  // What the platform lets through untyped, undici checks.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return (body._tag === "FormData" ? body.formData : body.body) as Body
}

function sent(
  dispatcher: Dispatcher,
  request: HttpClientRequest.HttpClientRequest,
  url: URL,
  signal: AbortSignal,
  body: Body,
  onStart: () => void,
): Effect.Effect<Answer, HttpClientError.RequestError> {
  return Effect.async((resume) => {
    const fail = (cause: unknown): void => {
      const error = new HttpClientError.RequestError({ request, reason: "Transport", cause })
      resume(Effect.fail(error))
    }
    const exchange: Exchange = new Exchange(
      onStart,
      (head) => resume(Effect.succeed(new Answer(request, head, exchange))),
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
