import { apiError } from "../http/errors.js"
import type { SimulatedResponse } from "../http/exchange.js"
import type { WebhookOperation } from "../http/route.js"
import { ephemeralFlag, isLoading, loadingFlag, makeMessage } from "../messages/message.js"
import { randomToken } from "../generate.js"
import {
  addChannel,
  type Interaction,
  storeMessage,
  type Message,
  generateId,
  type Webhook,
  type State,
} from "../state.js"
import type { Call } from "./call.js"

/** Interaction tokens are valid for 15 minutes. */
const tokenLifetimeMillis = 15 * 60_000

/** CHAT_INPUT_COMMAND: the type of a message that responds to a command. */
const commandResponseType = 20

/**
 * The initial response of an application: a message, or `deferred` if its content follows.
 *
 * @since 0.1.0
 * @category models
 */
export interface InitialResponse {
  readonly deferred?: boolean | undefined
  readonly ephemeral?: boolean | undefined
  readonly content?: string | undefined
}

/**
 * Adds an interaction in a new channel. The webhook of its application is identified by the token.
 */
export const addInteraction = (state: State, now: number, applicationId?: string): Webhook => {
  const id = generateId(state, now)
  const ownId = applicationId ?? generateId(state, now)
  const webhook: Webhook = {
    id: ownId,
    token: `aW50ZXJhY3Rpb246${randomToken(state.random)}${randomToken(state.random)}`,
    channel: addChannel(state, generateId(state, now)),
    guildId: state.guildId,
    applicationId: ownId,
    interaction: { id, expiresAt: now + tokenLifetimeMillis, originalId: undefined },
    name: "Captain App",
    avatar: null,
    messages: new Map(),
  }
  state.interactions.set(webhook.token, webhook)
  return webhook
}

export const respondToInteraction = (
  state: State,
  now: number,
  webhook: Webhook,
  { content = "", deferred = false, ephemeral = false }: InitialResponse,
): void => {
  const { interaction } = webhook
  if (interaction === undefined || interaction.originalId !== undefined) {
    throw new RangeError("DiscordSimulator: the interaction already has an initial response")
  }
  const id = generateId(state, now)
  const body = { content, flags: ephemeral ? ephemeralFlag : 0 }
  const message = makeMessage(state, now, webhook, body, { id, thread: undefined, entries: [] })
  const flags = message.json.flags | (deferred ? loadingFlag : 0)
  storeMessage(state, webhook, {
    ...message,
    json: { ...message.json, type: commandResponseType, flags },
  })
  interaction.originalId = id
}

/** The operations available with the token of an interaction. */
const availableOperations: ReadonlySet<WebhookOperation> = new Set([
  "execute",
  "getMessage",
  "editMessage",
  "deleteMessage",
])

/** Rejects operations before the initial response, after expiry, and those not available. */
export const checkInteraction = (
  { expiresAt, originalId }: Interaction,
  operation: WebhookOperation,
  now: number,
): SimulatedResponse | undefined => {
  if (now >= expiresAt) return apiError(50027)
  return originalId === undefined || !availableOperations.has(operation)
    ? apiError(10015)
    : undefined
}

/** The deferred response without content, which the first follow-up edits. */
export const findLoadingResponse = ({ webhook }: Call): Message | undefined => {
  const { interaction, messages } = webhook
  const original = messages.get(interaction?.originalId ?? "")
  return original !== undefined && isLoading(original.json.flags) ? original : undefined
}

/** The body of a follow-up without the fields that Discord ignores. */
export const getFollowUpBody = ({ body }: Call): Call["body"] => {
  const { username: _, avatar_url: __, thread_name: ___, applied_tags: ____, ...rest } = body
  return rest
}

/** The id of the requested message; `@original` is the initial response. */
export const resolveMessageId = ({ messageId, webhook }: Call): string =>
  messageId === "@original" ? (webhook.interaction?.originalId ?? messageId) : messageId
