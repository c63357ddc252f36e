import { namesOf, refuseFiles, sentAttachments, type Entry } from "../messages/attachments.js"
import { refuseExecute } from "../forms/message.js"
import { json, noContent, type SimulatedResponse } from "../http/exchange.js"
import {
  refuseAccess,
  noteSent,
  refuseHaste,
  refuseWords,
  findPlace,
  openPlace,
  type Place,
} from "./admission.js"
import { type Call, honouredBody, readQuery } from "./call.js"
import { followUpBody, loadingResponse } from "./interaction.js"
import { editMessage } from "./messages.js"
import { isAbsent } from "../forms/check.js"
import { apiError } from "../http/errors.js"
import { isVoiceMessage } from "../messages/flags.js"
import { isEmptyMessage, newMessage } from "../messages/message.js"
import { keepMessage, type MessageJson, newId } from "../state.js"

type Fields = Readonly<Record<string, unknown>>

/** A message that is in its place now, or the answer that refuses it. */
export type Posted =
  | { readonly _tag: "Posted"; readonly message: MessageJson }
  | { readonly _tag: "Refused"; readonly response: SimulatedResponse }

/**
 * Execute Webhook: sends a message. With files there is an answer whether or not it is asked for. As
 * Create Followup Message it always answers, and fills in a response that was deferred.
 */
export const execute = (call: Call): SimulatedResponse => {
  if (call.webhook.interaction === undefined) return sendMessage(call)
  const loading = loadingResponse(call)
  if (loading !== undefined) return editMessage({ ...call, messageId: loading.id })
  return sendMessage({ ...call, body: followUpBody(call), query: { wait: "true" } })
}

function sendMessage(call: Call): SimulatedResponse {
  const { world, webhook, files } = call
  const query = readQuery(call.query)
  if (query._tag === "Refused") return query.response
  const denial = refuseAccess(webhook.channel, true)
  if (denial !== undefined) return denial
  const body = honouredBody(call, query.withComponents)
  const attachments = sentAttachments(files, body)
  const sender = { interactive: webhook.applicationId !== null, files: namesOf(attachments) }
  const refusal = refuseFiles(files, world.config.maxFileBytes) ?? refuseExecute(body, sender)
  if (refusal !== undefined) return refusal
  if (attachments._tag === "Refused") return attachments.response
  const objection = refuseVoice(body, attachments.entries)
  if (objection !== undefined) return objection
  const posted = post(call, body, query.threadId, attachments.entries)
  if (posted._tag === "Refused") return posted.response
  return query.wait || files.length > 0 ? json(200, posted.message) : noContent
}

/** Requires that a voice message has one audio file, with duration and waveform, and nothing else. */
function refuseVoice(
  body: Readonly<Record<string, unknown>>,
  entries: ReadonlyArray<Entry>,
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

/** Posts a message whose form is valid, after the checks of its place, its words and its limits. */
export function post(
  call: Call,
  body: Fields,
  threadId: string | undefined,
  entries: ReadonlyArray<Entry>,
): Posted {
  const place = findPlace(call, body, threadId)
  if (place._tag === "Refused") return place
  if (entries.length === 0 && isEmptyMessage(body)) return refused(apiError(50006))
  const objection = refuseWords(call, body, place) ?? refuseHaste(call, place)
  if (objection !== undefined) return refused(objection)
  return { _tag: "Posted", message: send(call, body, place, entries) }
}

/** In a forum the first message has the id of its thread. */
function send(call: Call, body: Fields, place: Place, entries: ReadonlyArray<Entry>): MessageJson {
  const { world, webhook, now } = call
  const id = newId(world, now)
  const thread = openPlace(webhook.channel, place, id)
  const message = newMessage(world, now, webhook, body, { id, thread, entries })
  if (thread !== undefined) thread.messages++
  noteSent(call, thread?.id)
  keepMessage(world, webhook, message)
  world.traffic.statistics.messages++
  return message.json
}

function refused(response: SimulatedResponse): Posted {
  return { _tag: "Refused", response }
}
