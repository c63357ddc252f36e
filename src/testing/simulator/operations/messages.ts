import { resolveEditedAttachments, getFilenames, validateFiles } from "../messages/attachments.js"
import {
  removeFile,
  removeMessage,
  storeMessage,
  type Message,
  type Thread,
  type State,
} from "../state.js"
import { isAbsent } from "../forms/check.js"
import { validateEdit } from "../forms/message.js"
import { apiError } from "../http/errors.js"
import { jsonResponse, noContent, type SimulatedResponse } from "../http/exchange.js"
import { applyEdit, isEmptyMessage } from "../messages/message.js"
import {
  checkAccess,
  checkBlockedWords,
  type Call,
  removeIgnoredComponents,
  parseQuery,
} from "./call.js"
import { isLoading, isVoiceMessage } from "../messages/flags.js"
import { resolveMessageId } from "./interaction.js"

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
export const editMessage = (call: Call): SimulatedResponse => {
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
