import { editedAttachments, namesOf, refuseFiles } from "../messages/attachments.js"
import {
  forgetFile,
  forgetMessage,
  keepMessage,
  type Message,
  type Thread,
  type World,
} from "../state.js"
import { isAbsent } from "../forms/check.js"
import { refuseEdit } from "../forms/message.js"
import { apiError } from "../http/errors.js"
import { json, noContent, type SimulatedResponse } from "../http/exchange.js"
import { editedMessage, isEmptyMessage } from "../messages/message.js"
import { refuseAccess, refuseWords } from "./admission.js"
import { isLoading, isVoiceMessage } from "../messages/flags.js"
import { type Call, honouredBody, readQuery } from "./call.js"
import { messageIdOf } from "./interaction.js"

interface Found {
  readonly _tag: "Found"
  readonly message: Message
  readonly thread: Thread | undefined
  readonly withComponents: boolean
}

type Search = Found | { readonly _tag: "Refused"; readonly response: SimulatedResponse }

/** Get Webhook Message. */
export const getMessage = (call: Call): SimulatedResponse => {
  const found = findMessage(call, false)
  return found._tag === "Refused" ? found.response : json(200, found.message.json)
}

/** Edit Webhook Message. A thread that is archived is read-only. */
export const editMessage = (call: Call): SimulatedResponse => {
  const found = findMessage(call, true)
  if (found._tag === "Refused") return found.response
  const body = honouredBody(call, found.withComponents)
  const { files, world } = call
  const interactive = call.webhook.applicationId !== null
  const before = found.message
  if (isVoiceMessage(before.json.flags)) return apiError(50162)
  const attachments = editedAttachments(files, body, before.attachments)
  const refusal =
    refuseFiles(files, world.config.maxFileBytes) ??
    refuseEdit(body, { interactive, files: namesOf(attachments) }, before.json)
  if (refusal !== undefined) return refusal
  if (attachments._tag === "Refused") return attachments.response
  if (found.thread?.archived === true) return apiError(50083)
  if (!isAbsent(body["poll"]) && !isLoading(before.json.flags)) return apiError(520003)
  const objection = refuseWords(call, body)
  if (objection !== undefined) return objection
  const edited = editedMessage(world, call.now, before, body, attachments.entries)
  if (isEmptyMessage(edited.json)) return apiError(50006)
  forgetDropped(world, before, edited)
  keepMessage(world, call.webhook, edited)
  return json(200, edited.json)
}

function forgetDropped(world: World, before: Message, after: Message): void {
  const kept = new Set(after.attachments.map(({ id }) => id))
  for (const { id } of before.attachments) if (!kept.has(id)) forgetFile(world.files, id)
}

/** Delete Webhook Message. Allowed in archived threads too. */
export const deleteMessage = (call: Call): SimulatedResponse => {
  const found = findMessage(call, true)
  if (found._tag === "Refused") return found.response
  forgetMessage(call.world, call.webhook, found.message)
  return noContent
}

/** A message in a thread is found only by naming the thread. */
function findMessage(call: Call, isWriting: boolean): Search {
  const query = readQuery(call.query)
  if (query._tag === "Refused") return query
  const denial = refuseAccess(call.webhook.channel, isWriting)
  if (denial !== undefined) return refusedSearch(denial)
  const { threadId, withComponents } = query
  const thread = threadId === undefined ? undefined : call.webhook.channel.threads.get(threadId)
  if (threadId !== undefined && thread === undefined) return refusedSearch(apiError(10003))
  const message = call.webhook.messages.get(messageIdOf(call))
  if (message === undefined || message.threadId !== threadId) return refusedSearch(apiError(10008))
  return { _tag: "Found", message, thread, withComponents }
}

function refusedSearch(response: SimulatedResponse): Search {
  return { _tag: "Refused", response }
}
