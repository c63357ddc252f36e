import { isAbsent, isRecord } from "../form/check.js"
import { timestamp } from "../snowflake.js"
import {
  type Message,
  type MessageJson,
  newAvatarHash,
  newId,
  serverClock,
  type Thread,
  type Webhook,
  type World,
} from "../world.js"
import { componentAnswers } from "./componentAnswer.js"
import { embedAnswer } from "./embedAnswer.js"
import { findMentions } from "./mentions.js"
import { editedFlags, sentFlags } from "./messageFlags.js"

type Fields = Readonly<Record<string, unknown>>

/** Nothing that a reader could see. */
export const isEmptyMessage = (message: Fields): boolean =>
  ["content", "embeds", "components", "attachments", "poll"].every((part) =>
    isAbsent(message[part]),
  )

/** The message that an execute makes. `id` is given when the message opens a forum thread. */
export const newMessage = (
  world: World,
  now: number,
  webhook: Webhook,
  body: Fields,
  place: { readonly id: string; readonly thread: Thread | undefined },
): Message => {
  const { id, thread } = place
  const content = textOf(body["content"])
  const json: MessageJson = {
    type: 0,
    content,
    ...findMentions(content, body["allowed_mentions"]),
    attachments: [],
    embeds: listOf(body["embeds"]).map(embedAnswer),
    timestamp: timestamp(serverClock(world, now)),
    edited_timestamp: null,
    flags: sentFlags(body["flags"]),
    components: componentAnswers(body["components"], () => newId(world, now)),
    id,
    channel_id: thread?.id ?? webhook.channel.id,
    author: author(world, webhook, body),
    pinned: false,
    tts: body["tts"] === true,
    ...(isRecord(body["poll"]) ? { poll: pollAnswer(world, now, body["poll"]) } : {}),
    webhook_id: webhook.id,
    ...(webhook.applicationId === null ? {} : { application_id: webhook.applicationId }),
    ...(thread === undefined ? {} : { position: thread.messages }),
  }
  return { id, threadId: thread?.id, json }
}

/** The message after an edit: what the body leaves out stays, what it nulls is cleared. */
export const editedMessage = (
  world: World,
  now: number,
  message: Message,
  body: Fields,
): Message => {
  const before = message.json
  const json: MessageJson = {
    ...before,
    ...("content" in body ? editedContent(body) : {}),
    ...("embeds" in body ? { embeds: listOf(body["embeds"]).map(embedAnswer) } : {}),
    ...("components" in body
      ? { components: componentAnswers(body["components"], () => newId(world, now)) }
      : {}),
    ...("attachments" in body ? { attachments: keptAttachments(before, body) } : {}),
    flags: editedFlags(before.flags, body["flags"]),
    edited_timestamp: timestamp(serverClock(world, now)),
  }
  return { ...message, json }
}

/** New content brings new mentions, under the `allowed_mentions` of the edit. */
function editedContent(body: Fields): { readonly content: string } {
  const content = textOf(body["content"])
  return { content, ...findMentions(content, body["allowed_mentions"]) }
}

/** `attachments` is the complete list to keep. */
function keptAttachments(before: MessageJson, body: Fields): ReadonlyArray<unknown> {
  const kept = listOf(body["attachments"]).filter(isRecord)
  return before.attachments.filter(
    (one) => isRecord(one) && kept.some((keep) => String(keep["id"]) === one["id"]),
  )
}

function author(world: World, webhook: Webhook, body: Fields): unknown {
  const hasAvatar = !isAbsent(body["avatar_url"])
  return {
    id: webhook.id,
    username: isAbsent(body["username"]) ? webhook.name : textOf(body["username"]).trim(),
    avatar: hasAvatar ? newAvatarHash(world) : webhook.avatar,
    discriminator: "0000",
    public_flags: 0,
    flags: 0,
    bot: true,
    global_name: null,
    primary_guild: null,
  }
}

function pollAnswer(world: World, now: number, poll: Fields): unknown {
  const hours = typeof poll["duration"] === "number" ? poll["duration"] : 24
  const expiry = serverClock(world, now) + hours * 3_600_000
  return {
    question: poll["question"],
    answers: listOf(poll["answers"])
      .filter(isRecord)
      .map((answer, index) => ({ answer_id: index + 1, poll_media: answer["poll_media"] })),
    expiry: timestamp(expiry),
    allow_multiselect: poll["allow_multiselect"] === true,
    layout_type: 1,
    results: { is_finalized: false, answer_counts: [] },
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : ""
}

function listOf(value: unknown): ReadonlyArray<unknown> {
  return Array.isArray(value) ? value : []
}
