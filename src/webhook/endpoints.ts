/**
 * The endpoints of a webhook, as documented by Discord, by the names of the operations. Each is an
 * export of its own and a literal, so that a bundle has only those of the operations that it uses.
 */
import type * as Route from "../ratelimit/Route.js"

export interface Endpoint {
  readonly method: Route.Method
  readonly template: string
}

const webhookPath = "/webhooks/{webhook.id}/{webhook.token}"
const messagePath = "/webhooks/{webhook.id}/{webhook.token}/messages/{message.id}"

export const send: Endpoint = { method: "POST", template: webhookPath }
export const sendSlack: Endpoint = {
  method: "POST",
  template: "/webhooks/{webhook.id}/{webhook.token}/slack",
}
export const sendGitHub: Endpoint = {
  method: "POST",
  template: "/webhooks/{webhook.id}/{webhook.token}/github",
}
export const getMessage: Endpoint = { method: "GET", template: messagePath }
export const editMessage: Endpoint = { method: "PATCH", template: messagePath }
export const deleteMessage: Endpoint = { method: "DELETE", template: messagePath }
export const get: Endpoint = { method: "GET", template: webhookPath }
export const modify: Endpoint = { method: "PATCH", template: webhookPath }
const deleteWebhook: Endpoint = { method: "DELETE", template: webhookPath }
export { deleteWebhook as delete }
