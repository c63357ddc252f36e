/** The client's own way to carry the requests of this SDK: what undici calls back with, and no more. */
import type { Dispatcher } from "@effect/platform-node/Undici"
import * as Headers from "@effect/platform/Headers"
import type { Direct } from "../rest/direct.js"
import { textOf } from "../rest/responseBody.js"
import { Exchange, noTimeouts, uncompressed } from "./exchange.js"

export function directOn(dispatcher: Dispatcher): Direct {
  return ({ body, headers, method, origin, path }, listener) => {
    const onBroken = (error: unknown): void => listener.onBroken(error)
    const exchange: Exchange = new Exchange(
      () => listener.onStart(),
      (head) => {
        listener.onHead(head.status, Headers.fromInput(head.headers))
        exchange.collect((chunks) => listener.onWhole(textOf(chunks)), onBroken)
      },
      onBroken,
    )
    const all = { ...uncompressed, ...headers }
    dispatcher.dispatch({ ...noTimeouts, method, origin, path, headers: all, body }, exchange)
    return exchange.abort
  }
}
