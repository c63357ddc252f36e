/** Records deleted webhooks, so that no further request is sent to them. */
import {
  WebhookInteractionError,
  WebhookUnauthorized,
  WebhookNotFound,
} from "../error/WebhookError.js"
import type { ResponseInfo } from "./ResponseInfo.js"
import type { Kind, Route } from "./Route.js"
import { errorFields } from "../error/message.js"
import { rememberLatest } from "../model/rememberLatest.js"

/** Discord: JSON error codes. */
const unknownWebhook = 10015
const invalidWebhookToken = 50027

/** Milliseconds for which a deleted webhook is recorded, and the maximum number of them. */
const retention = 3_600_000
const maxDead = 10_000

/** @internal */
export interface DeadWebhook {
  readonly response: Pick<ResponseInfo, "code" | "message" | "status">
  readonly until: number
}

/** The response that Discord returns after the request that deleted the webhook. */
const deletedByUs: DeadWebhook["response"] = {
  status: 404,
  code: unknownWebhook,
  message: "this program has deleted it",
}

/** @internal */
export class DeadWebhooks {
  readonly all = new Map<string, DeadWebhook>()

  get size(): number {
    return this.all.size
  }

  /**
   * Whether a response means that the webhook is gone for good. The webhook of an interaction is unknown
   * to Discord until the initial response has been processed, so only an invalid token is final there.
   */
  static isGone({ code }: { readonly code: number }, kind: Kind): boolean {
    return code === invalidWebhookToken || (code === unknownWebhook && kind === "webhook")
  }

  /** Whether every further request to the webhook would fail after this response. */
  static isGoneResponse(response: ResponseInfo, kind: Kind): boolean {
    return response.deleted === true || DeadWebhooks.isGone(response, kind)
  }

  add(major: string, response: ResponseInfo, now: number): void {
    const last = response.deleted === true ? deletedByUs : response
    this.put(major, { response: last, until: now + retention })
  }

  put(major: string, death: DeadWebhook): void {
    rememberLatest(this.all, major, death, maxDead)
  }

  find(
    route: Route,
    now: number,
  ): WebhookNotFound | WebhookUnauthorized | WebhookInteractionError | undefined {
    const death = this.all.get(route.major)
    if (death === undefined) return undefined
    if (now < death.until) return makeError(route, death.response)
    this.all.delete(route.major)
    return undefined
  }

  sweep(now: number): void {
    for (const [major, death] of this.all) {
      if (now < death.until) return
      this.all.delete(major)
    }
  }

  clear(major?: string): void {
    if (major === undefined) this.all.clear()
    else this.all.delete(major)
  }
}

function makeError(
  route: Route,
  response: DeadWebhook["response"],
): WebhookNotFound | WebhookUnauthorized | WebhookInteractionError {
  const fields = {
    ...errorFields(route),
    status: response.status,
    code: response.code,
    reply: response.message,
    remembered: true,
  }
  if (route.kind === "interaction") {
    return new WebhookInteractionError({ ...fields, reason: "expired" })
  }
  return response.code === unknownWebhook
    ? new WebhookNotFound(fields)
    : new WebhookUnauthorized(fields)
}
