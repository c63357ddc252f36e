import {
  getFilenames,
  validateFiles,
  resolveSentAttachments,
  type AttachmentEntry,
} from "../messages/attachments.js"
import { validateExecute } from "../forms/message.js"
import {
  type JsonObject,
  jsonResponse,
  noContent,
  type SimulatedResponse,
} from "../http/exchange.js"
import {
  checkAccess,
  recordSent,
  checkMessageLimits,
  checkBlockedWords,
  findDestination,
  openDestination,
  type Destination,
  type Call,
  removeIgnoredComponents,
  parseQuery,
} from "./call.js"
import { getFollowUpBody, findLoadingResponse } from "./interaction.js"
import { editMessage } from "./messages.js"
import { isAbsent } from "../forms/check.js"
import { apiError } from "../http/errors.js"
import { isVoiceMessage } from "../messages/flags.js"
import { isEmptyMessage, makeMessage } from "../messages/message.js"
import { storeMessage, type MessageJson, generateId } from "../state.js"

/** The posted message, or the response that rejects it. */
export type PostResult =
  | { readonly _tag: "Posted"; readonly message: MessageJson }
  | { readonly _tag: "Rejected"; readonly response: SimulatedResponse }

/**
 * Execute Webhook: sends a message. With files it returns the message even without `wait`. As
 * Create Followup Message it always does, and edits a deferred response.
 */
export const execute = (call: Call): SimulatedResponse => {
  if (call.webhook.interaction === undefined) return sendMessage(call)
  const loading = findLoadingResponse(call)
  if (loading !== undefined) return editMessage({ ...call, messageId: loading.id })
  return sendMessage({ ...call, body: getFollowUpBody(call), query: { wait: "true" } })
}

function sendMessage(call: Call): SimulatedResponse {
  const { state, webhook, files } = call
  const query = parseQuery(call.query)
  if (query._tag === "Rejected") return query.response
  const accessError = checkAccess(webhook.channel, true)
  if (accessError !== undefined) return accessError
  const body = removeIgnoredComponents(call, query.withComponents)
  const attachments = resolveSentAttachments(files, body)
  const sender = { isInteractive: webhook.applicationId !== null, files: getFilenames(attachments) }
  const rejection = validateFiles(files, state.config.maxFileBytes) ?? validateExecute(body, sender)
  if (rejection !== undefined) return rejection
  if (attachments._tag === "Rejected") return attachments.response
  const voiceError = checkVoiceMessage(body, attachments.entries)
  if (voiceError !== undefined) return voiceError
  const posted = postMessage(call, body, query.threadId, attachments.entries)
  if (posted._tag === "Rejected") return posted.response
  return query.wait || files.length > 0 ? jsonResponse(200, posted.message) : noContent
}

/** Requires that a voice message has one audio file, with duration and waveform, and nothing else. */
function checkVoiceMessage(
  body: JsonObject,
  entries: ReadonlyArray<AttachmentEntry>,
): SimulatedResponse | undefined {
  if (!isVoiceMessage(body["flags"])) return undefined
  const hasMore = ["content", "embeds", "components", "poll"].some((part) => !isAbsent(body[part]))
  if (hasMore) return apiError(50159)
  const [entry] = entries
  if (entry?._tag !== "New" || entries.length > 1) return apiError(50160)
  const { described, file } = entry.upload
  if (!file.contentType.toLowerCase().startsWith("audio/")) return apiError(50160)
  const hasMetadata =
    typeof described["duration_secs"] === "number" && typeof described["waveform"] === "string"
  return hasMetadata ? undefined : apiError(50161)
}

/** Posts a message whose form is valid, after the checks of its destination, its words and its limits. */
export function postMessage(
  call: Call,
  body: JsonObject,
  threadId: string | undefined,
  entries: ReadonlyArray<AttachmentEntry>,
): PostResult {
  const destination = findDestination(call, body, threadId)
  if (destination._tag === "Rejected") return destination
  if (entries.length === 0 && isEmptyMessage(body)) return rejectPost(apiError(50006))
  const limitError =
    checkBlockedWords(call, body, destination) ?? checkMessageLimits(call, destination)
  if (limitError !== undefined) return rejectPost(limitError)
  return { _tag: "Posted", message: storeNewMessage(call, body, destination, entries) }
}

/** Stores a message. In a forum the first message has the id of its thread. */
function storeNewMessage(
  call: Call,
  body: JsonObject,
  destination: Destination,
  entries: ReadonlyArray<AttachmentEntry>,
): MessageJson {
  const { state, webhook, now } = call
  const id = generateId(state, now)
  const thread = openDestination(webhook.channel, destination, id)
  const message = makeMessage(state, now, webhook, body, { id, thread, entries })
  if (thread !== undefined) thread.messages++
  recordSent(call, thread?.id)
  storeMessage(state, webhook, message)
  state.traffic.statistics.messages++
  return message.json
}

function rejectPost(response: SimulatedResponse): PostResult {
  return { _tag: "Rejected", response }
}
