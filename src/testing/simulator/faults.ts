import * as Data from "effect/Data"
import type { Operation } from "./http/route.js"
import {
  getBodyText,
  getContentType,
  type Outcome,
  type ResponseBody,
  type SimulatedResponse,
} from "./http/exchange.js"

/** A whole answer, as the client reads it. */
export interface PlainResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What a fault looks at when it chooses its requests. */
export interface FaultTarget {
  readonly operation: Operation | "unknown"
  readonly method: string
  readonly webhookId: string | undefined
  readonly messageId: string | undefined
  /** The number of the request, from 1. */
  readonly sequence: number
}

/** What goes wrong with a request. */
export type Fault = Data.TaggedEnum<{
  /** This answer instead of Discord's; the request is processed first only if `processed`. */
  Respond: { readonly response: PlainResponse; readonly processed: boolean }
  /** Discord's answer, changed on its way. */
  Alter: { readonly change: (response: PlainResponse) => PlainResponse }
  /** Discord's answer, this much later. */
  Delay: { readonly millis: number }
  /** No connection, or none that lasts, or nothing to hear. */
  Connection: {
    readonly outcome: "refused" | "reset" | "dropped" | "truncated" | "noResponse"
  }
}>

export const Fault = Data.taggedEnum<Fault>()

export interface ActiveFault {
  readonly fault: Fault
  readonly matches: (target: FaultTarget) => boolean
  remaining: number
}

/** What happens to one request: a fault, or nothing. */
export type AppliedFault = Fault | { readonly _tag: "None" }

const none: AppliedFault = { _tag: "None" }
const scopes = ["user", "shared", "global"] as const

/** The first fault that wants this request; one that has struck often enough is gone. */
export const takeFault = (faults: Array<ActiveFault>, target: FaultTarget): AppliedFault => {
  if (faults.length === 0) return none
  const index = faults.findIndex((active) => active.matches(target))
  const active = faults[index]
  if (active === undefined) return none
  active.remaining--
  if (active.remaining <= 0) faults.splice(index, 1)
  return active.fault
}

export const getOutcome = (fault: AppliedFault): Outcome =>
  fault._tag === "Connection" ? fault.outcome : "completed"

/** The answer as the fault leaves it. */
export const applyFault = (
  fault: AppliedFault,
  own: SimulatedResponse | undefined,
): SimulatedResponse | undefined => {
  if (fault._tag === "Respond") return parsePlainResponse(fault.response)
  if (fault._tag === "Alter" && own !== undefined) return { ...own, ...applyChange(fault, own) }
  return own
}

/** An answer as it goes over the wire, its Content-Type among the headers. */
export interface SerializedResponse extends Omit<PlainResponse, "body"> {
  readonly body: string | Uint8Array
}

/** The whole answer. Only a file is bytes. */
export function serializeResponse(response: SimulatedResponse): SerializedResponse {
  const contentType = getContentType(response.body)
  return {
    status: response.status,
    headers:
      contentType === undefined
        ? response.headers
        : { ...response.headers, "content-type": contentType },
    body: response.body._tag === "Bytes" ? response.body.bytes : getBodyText(response.body),
  }
}

/** A file shows itself as text here; as long as the text stays, so do the bytes. */
function applyChange(
  { change }: Extract<Fault, { readonly _tag: "Alter" }>,
  own: SimulatedResponse,
): SimulatedResponse {
  const wire = serializeResponse(own)
  const text = getBodyText(own.body)
  const changed = change({ ...wire, body: text })
  const response = parsePlainResponse(changed)
  if (typeof wire.body === "string" || changed.body !== text) return response
  const contentType = changed.headers["content-type"] ?? ""
  const body: ResponseBody = { _tag: "Bytes", bytes: wire.body, contentType }
  return { ...response, body }
}

function parsePlainResponse({ status, headers, body }: PlainResponse): SimulatedResponse {
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
