import { type Entry, namesOf, refuseFiles, sentAttachments } from "../file/attachmentList.js"
import { isAbsent } from "../form/check.js"
import { refuseExecute } from "../form/messageForm.js"
import { apiError } from "../http/apiError.js"
import { json, noContent, type SimulatedResponse } from "../http/exchange.js"
import { takeHidden } from "../limit/limits.js"
import { limited } from "../limit/rateLimitAnswer.js"
import { isEmptyMessage, newMessage } from "../message/message.js"
import { addThread, keepMessage, newId, type Thread } from "../world.js"
import { type Call, honouredBody } from "./call.js"
import { readQuery } from "./query.js"

type Fields = Readonly<Record<string, unknown>>

/** Where a message goes: the channel, a thread that exists, or one that it opens. */
type Place =
  | { readonly _tag: "Channel" }
  | { readonly _tag: "Thread"; readonly thread: Thread }
  | { readonly _tag: "NewThread"; readonly name: string }
  | { readonly _tag: "Refused"; readonly response: SimulatedResponse }

/** Execute Webhook: sends a message. With files there is an answer whether or not it is asked for. */
export const execute = (call: Call): SimulatedResponse => {
  const { world, webhook } = call
  const query = readQuery(call.query)
  if (query._tag === "Refused") return query.response
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
  const hidden = refuseHidden(call)
  if (hidden !== undefined) return hidden
  const answer = send(call, body, place, attachments.entries)
  world.traffic.statistics.messages++
  return query.wait || call.files.length > 0 ? json(200, answer) : noContent
}

function findPlace(call: Call, body: Fields, threadId: string | undefined): Place {
  const { channel } = call.webhook
  const name = isAbsent(body["thread_name"]) ? undefined : String(body["thread_name"]).trim()
  const isForum = channel.kind !== "text"
  if (!isForum && name !== undefined) return refused(apiError(220003))
  if (isForum && name === undefined && threadId === undefined) return refused(apiError(220001))
  if (name !== undefined && threadId !== undefined) return refused(apiError(220002))
  if (name !== undefined) return refuseTags(call, body) ?? { _tag: "NewThread", name }
  if (threadId === undefined) return { _tag: "Channel" }
  const thread = channel.threads.get(threadId)
  if (thread === undefined) return refused(apiError(10003))
  if (thread.locked) return refused(apiError(160005))
  return { _tag: "Thread", thread }
}

function refuseTags(call: Call, body: Fields): Place | undefined {
  const { channel } = call.webhook
  const tags = Array.isArray(body["applied_tags"]) ? body["applied_tags"].map(String) : []
  if (channel.requiresTag && tags.length === 0) return refused(apiError(40067))
  if (tags.some((tag) => !channel.tags.includes(tag))) return refused(apiError(10087))
  return undefined
}

/** The limit that no header shows counts messages, so it is asked last. */
function refuseHidden({ world, webhook, now }: Call): SimulatedResponse | undefined {
  const rule = world.config.hidden
  if (rule === undefined) return undefined
  const reading = takeHidden(world.limits, rule, webhook.channel.id, now)
  if (reading.accepted) return undefined
  world.traffic.statistics.limitedByHidden++
  return limited(rule.scope, reading.retryAfter)
}

/** In a forum the first message has the id of its thread. Sending unarchives a thread. */
function send(
  call: Call,
  body: Fields,
  place: Exclude<Place, { _tag: "Refused" }>,
  entries: ReadonlyArray<Entry>,
): unknown {
  const { world, webhook, now } = call
  const id = newId(world, now)
  const thread =
    place._tag === "NewThread"
      ? addThread(webhook.channel, { id, name: place.name })
      : place._tag === "Thread"
        ? place.thread
        : undefined
  const message = newMessage(world, now, webhook, body, { id, thread, entries })
  if (thread !== undefined) {
    thread.archived = false
    thread.messages++
  }
  keepMessage(world, webhook, message)
  return message.json
}

function refused(response: SimulatedResponse): Place {
  return { _tag: "Refused", response }
}
