/** The client's own way to carry the requests of this SDK: what undici calls back with, and no more. */
import type { Dispatcher } from "@effect/platform-node/Undici"
import type { Direct } from "../rest/direct.js"
import { textOf } from "./bytes.js"
import { Exchange, noTimeouts } from "./exchange.js"
import type { Head } from "./exchange.js"

export function directOn(dispatcher: Dispatcher): Direct {
  return ({ body, headers, method, origin, path }, listener) => {
    const onBroken = (error: unknown): void => listener.onBroken(error)
    const exchange: Exchange = new Exchange((head) => {
      listener.onHead(head.status, single(head.headers))
      exchange.collect((chunks) => listener.onWhole(textOf(chunks)), onBroken)
    }, onBroken)
    dispatcher.dispatch({ ...noTimeouts, method, origin, path, headers, body }, exchange)
    return exchange.abort
  }
}

/** A header that came more than once has its values in one line, as the platform has it. */
function single(headers: Head["headers"]): Readonly<Record<string, string | undefined>> {
  const all: Record<string, string | undefined> = {}
  for (const [name, value] of Object.entries(headers)) {
    all[name] = Array.isArray(value) ? value.join(", ") : value
  }
  return all
}
