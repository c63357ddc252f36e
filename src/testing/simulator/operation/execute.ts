import { type Entry, namesOf, refuseFiles, sentAttachments } from "../file/attachmentList.js"
import { refuseExecute } from "../form/messageForm.js"
import { apiError } from "../http/apiError.js"
import { json, noContent, type SimulatedResponse } from "../http/exchange.js"
import { isEmptyMessage, newMessage } from "../message/message.js"
import { keepMessage, type MessageJson, newId } from "../world.js"
import { noteSent, refuseAccess, refuseHaste, refuseWords } from "./admission.js"
import { type Call, honouredBody } from "./call.js"
import { findPlace, openPlace, type Place } from "./place.js"
import { readQuery } from "./query.js"

type Fields = Readonly<Record<string, unknown>>

/** Execute Webhook: sends a message. With files there is an answer whether or not it is asked for. */
export const execute = (call: Call): SimulatedResponse => {
  const { world, webhook } = call
  const query = readQuery(call.query)
  if (query._tag === "Refused") return query.response
  const denial = refuseAccess(webhook.channel, true)
  if (denial !== undefined) return denial
  const body = honouredBody(call, query.withComponents)
  const attachments = sentAttachments(call.files, body)
  const refusal =
    refuseFiles(call.files, world.config.maxFileBytes) ??
    refuseExecute(body, {
      interactive: webhook.applicationId !== null,
      files: namesOf(attachments),
    })
  if (refusal !== undefined) return refusal
  if (attachments._tag === "Refused") return attachments.response
  const place = findPlace(call, body, query.threadId)
  if (place._tag === "Refused") return place.response
  if (call.files.length === 0 && isEmptyMessage(body)) return apiError(50006)
  const objection = refuseWords(call, body, place) ?? refuseHaste(call, place)
  if (objection !== undefined) return objection
  const answer = send(call, body, place, attachments.entries)
  return query.wait || call.files.length > 0 ? json(200, answer) : noContent
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
