/** The operations of messages: sends, gets, edits and deletes them. */
import { isAbsent } from "../forms/check.js"
import { validateEdit, validateExecute } from "../forms/message.js"
import { apiError } from "../http/errors.js"
import { jsonResponse, noContent } from "../http/exchange.js"
import type { JsonObject, SimulatedResponse } from "../http/exchange.js"
import {
  getFilenames,
  resolveEditedAttachments,
  resolveSentAttachments,
  validateFiles,
  type AttachmentEntry,
} from "../messages/attachments.js"
import {
  applyEdit,
  isEmptyMessage,
  isLoading,
  isVoiceMessage,
  makeMessage,
} from "../messages/message.js"
import { generateId, removeFile, removeMessage, storeMessage } from "../state.js"
import type { Message, MessageJson, State, Thread } from "../state.js"
import {
  checkAccess,
  checkBlockedWords,
  checkMessageLimits,
  findDestination,
  openDestination,
  parseQuery,
  recordSent,
  removeIgnoredComponents,
  type Call,
  type Destination,
} from "./call.js"
import { findLoadingResponse, getFollowUpBody, resolveMessageId } from "./interaction.js"

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

interface Found {
  readonly _tag: "Found"
  readonly message: Message
  readonly thread: Thread | undefined
  readonly withComponents: boolean
}

type SearchResult = Found | { readonly _tag: "Rejected"; readonly response: SimulatedResponse }

/** Get Webhook Message. */
export const getMessage = (call: Call): SimulatedResponse => {
  const found = findMessage(call, false)
  return found._tag === "Rejected" ? found.response : jsonResponse(200, found.message.json)
}

/** Edit Webhook Message. Archived threads are read-only. */
export function editMessage(call: Call): SimulatedResponse {
  const found = findMessage(call, true)
  if (found._tag === "Rejected") return found.response
  const body = removeIgnoredComponents(call, found.withComponents)
  const { files, state } = call
  const interactive = call.webhook.applicationId !== null
  const before = found.message
  if (isVoiceMessage(before.json.flags)) return apiError(50162)
  const attachments = resolveEditedAttachments(files, body, before.attachments)
  const rejection =
    validateFiles(files, state.config.maxFileBytes) ??
    validateEdit(
      body,
      { isInteractive: interactive, files: getFilenames(attachments) },
      before.json,
    )
  if (rejection !== undefined) return rejection
  if (attachments._tag === "Rejected") return attachments.response
  if (found.thread?.archived === true) return apiError(50083)
  if (!isAbsent(body["poll"]) && !isLoading(before.json.flags)) return apiError(520003)
  const wordError = checkBlockedWords(call, body)
  if (wordError !== undefined) return wordError
  const edited = applyEdit(state, call.now, before, body, attachments.entries)
  if (isEmptyMessage(edited.json)) return apiError(50006)
  removeDroppedFiles(state, before, edited)
  storeMessage(state, call.webhook, edited)
  return jsonResponse(200, edited.json)
}

function removeDroppedFiles(state: State, before: Message, after: Message): void {
  const kept = new Set(after.attachments.map(({ id }) => id))
  for (const { id } of before.attachments) if (!kept.has(id)) removeFile(state.files, id)
}

/** Delete Webhook Message, which is allowed in archived threads. */
export const deleteMessage = (call: Call): SimulatedResponse => {
  const found = findMessage(call, true)
  if (found._tag === "Rejected") return found.response
  removeMessage(call.state, call.webhook, found.message)
  return noContent
}

/** Finds a message. One in a thread requires the `thread_id`. */
function findMessage(call: Call, isWriting: boolean): SearchResult {
  const query = parseQuery(call.query)
  if (query._tag === "Rejected") return query
  const accessError = checkAccess(call.webhook.channel, isWriting)
  if (accessError !== undefined) return rejectSearch(accessError)
  const { threadId, withComponents } = query
  const thread = threadId === undefined ? undefined : call.webhook.channel.threads.get(threadId)
  if (threadId !== undefined && thread === undefined) return rejectSearch(apiError(10003))
  const message = call.webhook.messages.get(resolveMessageId(call))
  if (message === undefined || message.threadId !== threadId) return rejectSearch(apiError(10008))
  return { _tag: "Found", message, thread, withComponents }
}

function rejectSearch(response: SimulatedResponse): SearchResult {
  return { _tag: "Rejected", response }
}
