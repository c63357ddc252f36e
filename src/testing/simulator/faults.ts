import * as Data from "effect/Data"
import type { Operation } from "./http/route.js"
import {
  getBodyText,
  getContentType,
  type Outcome,
  type ResponseBody,
  type SimulatedResponse,
} from "./http/exchange.js"

/** A complete response, as the client receives it. */
export interface PlainResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The properties of a request by which a fault selects it. */
export interface FaultTarget {
  readonly operation: Operation | "unknown"
  readonly method: string
  readonly webhookId: string | undefined
  readonly messageId: string | undefined
  /** The number of the request, starting at 1. */
  readonly sequence: number
}

/** A failure of one request. */
export type Fault = Data.TaggedEnum<{
  /** Replaces the response. Discord processes the request only if `processed`. */
  Respond: { readonly response: PlainResponse; readonly processed: boolean }
  /** Changes Discord's response. */
  Alter: { readonly change: (response: PlainResponse) => PlainResponse }
  /** Delays Discord's response. */
  Delay: { readonly millis: number }
  /** Breaks the connection, or never responds. */
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

/** The fault of one request, or none. */
export type AppliedFault = Fault | { readonly _tag: "None" }

const none: AppliedFault = { _tag: "None" }
const scopes = ["user", "shared", "global"] as const

/** Takes the first fault that matches a request; one without remaining uses is removed. */
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

/** The response after the fault; `own` is the response of Discord. */
export const applyFault = (
  fault: AppliedFault,
  own: SimulatedResponse | undefined,
): SimulatedResponse | undefined => {
  if (fault._tag === "Respond") return parsePlainResponse(fault.response)
  if (fault._tag === "Alter" && own !== undefined) return { ...own, ...applyChange(fault, own) }
  return own
}

/** A response as it is sent, with the Content-Type among its headers. */
export interface SerializedResponse extends Omit<PlainResponse, "body"> {
  readonly body: string | Uint8Array
}

/** Serializes a response. Only a file has a body of bytes. */
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

/**
 * Applies `change` to the response. It receives a file as text; the bytes stay unless it changes
 * the text.
 */
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
