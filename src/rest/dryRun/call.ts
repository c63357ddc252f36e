/** What a request asks of Discord, read from its URL. Everything else is not for a webhook. */
import type { HttpMethod } from "@effect/platform/HttpMethod"
import * as Redacted from "effect/Redacted"

export interface Call {
  readonly method: HttpMethod
  /** Method and path template; no URL. */
  readonly route: string
  readonly webhookId: string
  readonly token: Redacted.Redacted
  readonly service: "slack" | "github" | undefined
  readonly messageId: string | undefined
  readonly query: Readonly<Record<string, string>>
}

const path =
  /\/webhooks\/(?<webhookId>\d+)\/(?<token>[^/]+)(?:\/(?<service>slack|github)|\/messages\/(?<messageId>[^/]+))?$/

export function callOf(method: HttpMethod, url: URL): Call | undefined {
  const { messageId, service, token, webhookId } = path.exec(url.pathname)?.groups ?? {}
  if (webhookId === undefined || token === undefined) return undefined
  const message = messageId === "@original" ? messageId : "{message.id}"
  const suffix = messageId === undefined ? "" : `/messages/${message}`
  return {
    method,
    route: `${method} /webhooks/{webhook.id}/{webhook.token}${service === undefined ? suffix : `/${service}`}`,
    webhookId,
    token: Redacted.make(token),
    service: service === "slack" || service === "github" ? service : undefined,
    messageId,
    query: Object.fromEntries(url.searchParams),
  }
}
