import type { Entry } from "../file/attachmentList.js"
import { apiError } from "../http/apiError.js"
import type { SimulatedResponse } from "../http/exchange.js"
import { isEmptyMessage, newMessage } from "../message/message.js"
import { keepMessage, type MessageJson, newId } from "../world.js"
import { noteSent, refuseHaste, refuseWords } from "./admission.js"
import type { Call } from "./call.js"
import { findPlace, openPlace, type Place } from "./place.js"

type Fields = Readonly<Record<string, unknown>>

/** A message that is in its place now, or the answer that refuses it. */
export type Posted =
  | { readonly _tag: "Posted"; readonly message: MessageJson }
  | { readonly _tag: "Refused"; readonly response: SimulatedResponse }

/** Posts a message whose form is right: looks for its place, and whether it may go there now. */
export const post = (
  call: Call,
  body: Fields,
  threadId: string | undefined,
  entries: ReadonlyArray<Entry>,
): Posted => {
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
