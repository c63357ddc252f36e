/** Records deleted webhooks, so that no further request is sent to them. */
import * as Duration from "effect/Duration"
import {
  WebhookInteractionError,
  WebhookUnauthorized,
  WebhookNotFound,
} from "../error/WebhookError.js"
import type { ResponseInfo } from "./ResponseInfo.js"
import type { Kind, Route } from "./Route.js"
import { errorFields } from "../error/message.js"

/** Discord: JSON error codes. */
const unknownWebhook = 10015
const invalidWebhookToken = 50027

/** How long a deleted webhook is recorded, and the maximum number of them. */
const retention = { duration: Duration.toMillis("1 hour"), most: 10_000 }

interface DeadWebhook {
  readonly answer: ResponseInfo
  readonly until: number
}

/** @internal */
export class DeadWebhooks {
  readonly #dead = new Map<string, DeadWebhook>()

  get size(): number {
    return this.#dead.size
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
    const last = response.deleted === true ? toUnknownWebhook(response) : response
    this.#dead.delete(major)
    this.#dead.set(major, { answer: last, until: now + retention.duration })
    if (this.#dead.size <= retention.most) return
    for (const oldest of this.#dead.keys()) {
      this.#dead.delete(oldest)
      return
    }
  }

  find(
    route: Route,
    now: number,
  ): WebhookNotFound | WebhookUnauthorized | WebhookInteractionError | undefined {
    const death = this.#dead.get(route.major)
    if (death === undefined) return undefined
    if (now < death.until) return makeError(route, death.answer)
    this.#dead.delete(route.major)
    return undefined
  }

  sweep(now: number): void {
    for (const [major, death] of this.#dead) {
      if (now < death.until) return
      this.#dead.delete(major)
    }
  }

  clear(major?: string): void {
    if (major === undefined) this.#dead.clear()
    else this.#dead.delete(major)
  }
}

/** The response that Discord returns from then on. */
function toUnknownWebhook(response: ResponseInfo): ResponseInfo {
  return { ...response, status: 404, code: unknownWebhook, message: "this program has deleted it" }
}

function makeError(
  route: Route,
  response: ResponseInfo,
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
