import { apiError } from "../http/errors.js"
import type { SimulatedResponse } from "../http/exchange.js"
import type { WebhookOperation } from "../http/route.js"
import { makeMessage } from "../messages/message.js"
import { ephemeralFlag, isLoading, loadingFlag } from "../messages/flags.js"
import { randomToken } from "../random.js"
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

/** CHAT_INPUT_COMMAND: the message that responds to a command. */
const commandResponseType = 20

/** The initial response of an application, which the simulator gives in its place. */
export interface InitialResponse {
  readonly deferred?: boolean | undefined
  readonly ephemeral?: boolean | undefined
  readonly content?: string | undefined
}

/** A command was used, in a channel of its own. The application's webhook is known by its token. */
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
    throw new RangeError("the simulator's interaction has been responded to already")
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

/** What Discord offers with the token of an interaction. */
const availableOperations: ReadonlySet<WebhookOperation> = new Set([
  "execute",
  "getMessage",
  "editMessage",
  "deleteMessage",
])

/** Until the initial response is there, Discord knows no webhook of this token. */
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

/** The deferred response that waits for its content; the first follow-up is taken for that. */
export const findLoadingResponse = ({ webhook }: Call): Message | undefined => {
  const { interaction, messages } = webhook
  const original = messages.get(interaction?.originalId ?? "")
  return original !== undefined && isLoading(original.json.flags) ? original : undefined
}

/** What Discord does not support in a follow-up, and ignores. */
export const getFollowUpBody = ({ body }: Call): Call["body"] => {
  const { username: _, avatar_url: __, thread_name: ___, applied_tags: ____, ...rest } = body
  return rest
}

/** The id of the message that a request names. */
export const resolveMessageId = ({ messageId, webhook }: Call): string =>
  messageId === "@original" ? (webhook.interaction?.originalId ?? messageId) : messageId
