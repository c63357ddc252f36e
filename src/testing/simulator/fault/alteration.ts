import { bodyText, contentTypeOf, type Outcome, type SimulatedResponse } from "../http/exchange.js"
import type { ActiveFault } from "../world.js"
import type { Fault, FaultTarget, PlainResponse } from "./fault.js"

/** What happens to one request: a fault, or nothing. */
export type Alteration = Fault | { readonly _tag: "None" }

const none: Alteration = { _tag: "None" }
const scopes = ["user", "shared", "global"] as const

/** The first fault that wants this request; one that has struck often enough is gone. */
export const faultFor = (faults: Array<ActiveFault>, target: FaultTarget): Alteration => {
  if (faults.length === 0) return none
  const index = faults.findIndex((active) => active.matches(target))
  const active = faults[index]
  if (active === undefined) return none
  active.remaining--
  if (active.remaining <= 0) faults.splice(index, 1)
  return active.fault
}

export const connectionOutcome = (fault: Alteration): Outcome =>
  fault._tag === "Connection" ? fault.how : "answered"

/** The answer as the fault leaves it. */
export const alterResponse = (
  fault: Alteration,
  own: SimulatedResponse | undefined,
): SimulatedResponse | undefined => {
  if (fault._tag === "Answer") return fromPlain(fault.response)
  if (fault._tag === "Alter" && own !== undefined) {
    return { ...own, ...fromPlain(fault.change(toPlain(own))) }
  }
  return own
}

/** The whole answer as text, its Content-Type among the headers. */
export function toPlain(response: SimulatedResponse): PlainResponse {
  const contentType = contentTypeOf(response.body)
  return {
    status: response.status,
    headers:
      contentType === undefined
        ? response.headers
        : { ...response.headers, "content-type": contentType },
    body: bodyText(response.body),
  }
}

function fromPlain({ status, headers, body }: PlainResponse): SimulatedResponse {
  const { "content-type": contentType = "", ...rest } = headers
  const isEmpty = body === "" && contentType === ""
  const scope = scopes.find((name) => name === headers["x-ratelimit-scope"])
  return {
    ...(scope === undefined ? {} : { scope }),
    status,
    headers: rest,
    body: isEmpty ? { _tag: "Empty" } : { _tag: "Text", text: body, contentType },
  }
}
