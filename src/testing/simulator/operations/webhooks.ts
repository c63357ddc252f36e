import { all, type Check, object } from "../forms/check.js"
import { invalidForm, type Issue, issue } from "../http/errors.js"
import { webhookName } from "../forms/message.js"
import { jsonResponse, noContent, scalarText, type SimulatedResponse } from "../http/exchange.js"
import { generateAvatarHash, type Webhook, type State } from "../state.js"
import type { Call } from "./call.js"

/**
 * Image data. Discord detects the format from the bytes, so undocumented types are accepted
 * (api-docs#378, #8538).
 */
const imageData: Check = (value, path, issues) => {
  if (!/^data:image\/(?:png|jpeg|jpg|gif|webp);base64,[A-Za-z0-9+/]+=*$/i.test(scalarText(value))) {
    issues.push(issue(path, "BASE_TYPE_INVALID_IMAGE", "Invalid image data"))
  }
}

/** Rejects a null name. An absent one is allowed. */
const checkNullName: Check = (value, path, issues) => {
  if (typeof value === "object" && value !== null && "name" in value && value.name === null) {
    issues.push(issue([...path, "name"], "BASE_TYPE_REQUIRED", "This field is required"))
  }
}

const modifyFields = all(object({ name: webhookName, avatar: imageData }), checkNullName)

/** Get Webhook with Token: without `user`. */
export const getWebhook = ({ state, webhook }: Call): SimulatedResponse =>
  jsonResponse(200, renderWebhook(state, webhook))

/** Modify Webhook with Token: name and avatar; `channel_id` is ignored. */
export const modifyWebhook = ({ state, webhook, body }: Call): SimulatedResponse => {
  const issues: Array<Issue> = []
  modifyFields(body, [], issues)
  if (issues.length > 0) return invalidForm(issues)
  const { name, avatar } = body
  if (typeof name === "string") webhook.name = name.trim()
  if (avatar === null) webhook.avatar = null
  if (typeof avatar === "string") webhook.avatar = generateAvatarHash(state)
  return jsonResponse(200, renderWebhook(state, webhook))
}

/** Delete Webhook with Token. */
export const deleteWebhook = ({ state, webhook }: Call): SimulatedResponse => {
  state.webhooks.delete(webhook.id)
  return noContent
}

function renderWebhook(state: State, webhook: Webhook): unknown {
  const isIncoming = webhook.applicationId === null
  return {
    id: webhook.id,
    type: isIncoming ? 1 : 3,
    guild_id: webhook.guildId,
    channel_id: webhook.channel.id,
    name: webhook.name,
    avatar: webhook.avatar,
    application_id: webhook.applicationId,
    ...(isIncoming ? { token: webhook.token, url: getWebhookUrl(state, webhook) } : {}),
  }
}

/** The URL as the Discord client shows it. */
export function getWebhookUrl(state: State, webhook: Webhook): string {
  return `${state.config.origin}/api/webhooks/${webhook.id}/${webhook.token}`
}
