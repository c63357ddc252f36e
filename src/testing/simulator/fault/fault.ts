import * as Data from "effect/Data"
import type { Operation } from "../http/route.js"

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
  Answer: { readonly response: PlainResponse; readonly processed: boolean }
  /** Discord's answer, changed on its way. */
  Alter: { readonly change: (response: PlainResponse) => PlainResponse }
  /** Discord's answer, this much later. */
  Delay: { readonly millis: number }
  /** No connection, or none that lasts, or nothing to hear. */
  Connection: {
    readonly how: "refused" | "reset" | "dropped" | "cut" | "silent"
  }
}>

export const Fault = Data.taggedEnum<Fault>()
