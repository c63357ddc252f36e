import { isRecord } from "../http/exchange.js"
import { addAttachment, type Entry } from "./attachments.js"
import { isAbsent } from "../forms/check.js"
import { timestamp } from "../snowflake.js"
import {
  type Attachment,
  type Message,
  type MessageJson,
  newAvatarHash,
  newId,
  serverClock,
  type Thread,
  type Webhook,
  type World,
} from "../state.js"
import { componentAnswers, embedAnswer, emojiAnswer, fileReferences } from "./render.js"
import { editedFlags, isComponentsV2, sentFlags } from "./flags.js"

type Fields = Readonly<Record<string, unknown>>

/** Who a message mentions, after `allowed_mentions`. */
interface Mentions {
  readonly mention_everyone: boolean
  readonly mentions: ReadonlyArray<unknown>
  readonly mention_roles: ReadonlyArray<string>
}

type Allows = (kind: "users" | "roles" | "everyone", id?: string) => boolean

/** Nothing that a reader could see. */
export const isEmptyMessage = (message: Fields): boolean =>
  ["content", "embeds", "components", "attachments", "poll"].every((part) =>
    isAbsent(message[part]),
  )

/** Where a new message goes, and what hangs on it. */
export interface NewMessage {
  readonly id: string
  readonly thread: Thread | undefined
  readonly entries: ReadonlyArray<Entry>
}

/** The message that an execute makes. */
export const newMessage = (
  world: World,
  now: number,
  webhook: Webhook,
  body: Fields,
  { id, thread, entries }: NewMessage,
): Message => {
  const content = textOf(body["content"])
  const channelId = thread?.id ?? webhook.channel.id
  const attachments = attach(world, now, channelId, entries)
  const embedFiles = fileReferences(attachments)
  const componentFiles = fileReferences(attachments)
  const nextId = () => newId(world, now)
  const json: MessageJson = {
    type: 0,
    content,
    ...findMentions(content, body["allowed_mentions"]),
    attachments: [],
    embeds: listOf(body["embeds"]).map((embed) => embedAnswer(embed, embedFiles)),
    timestamp: timestamp(serverClock(world, now)),
    edited_timestamp: null,
    flags: sentFlags(body["flags"], webhook.interaction !== undefined),
    components: componentAnswers(body["components"], { nextId, files: componentFiles }),
    id,
    channel_id: channelId,
    author: author(world, webhook, body),
    pinned: false,
    tts: body["tts"] === true,
    ...(isRecord(body["poll"]) ? { poll: pollAnswer(world, now, body["poll"]) } : {}),
    webhook_id: webhook.id,
    ...(webhook.applicationId === null ? {} : { application_id: webhook.applicationId }),
    ...(thread === undefined ? {} : { position: thread.messages }),
  }
  const { used: inEmbeds } = embedFiles
  const { used: inComponents } = componentFiles
  return shown({ id, threadId: thread?.id, json, attachments, inEmbeds, inComponents })
}

/** The message after an edit: what the body leaves out stays, what it nulls is cleared. */
export const editedMessage = (
  world: World,
  now: number,
  message: Message,
  body: Fields,
  entries: ReadonlyArray<Entry>,
): Message => {
  const before = message.json
  const attachments = attach(world, now, String(before["channel_id"]), entries)
  const embedFiles = fileReferences(attachments)
  const componentFiles = fileReferences(attachments)
  const nextId = () => newId(world, now)
  const hasEmbeds = "embeds" in body
  const hasComponents = "components" in body
  const flags = editedFlags(before.flags, body["flags"])
  const json: MessageJson = {
    ...(isComponentsV2(flags) ? withoutPoll(before) : before),
    ...("content" in body ? editedContent(body) : {}),
    ...(hasEmbeds
      ? { embeds: listOf(body["embeds"]).map((embed) => embedAnswer(embed, embedFiles)) }
      : {}),
    ...(hasComponents
      ? { components: componentAnswers(body["components"], { nextId, files: componentFiles }) }
      : {}),
    ...(isRecord(body["poll"]) ? { poll: pollAnswer(world, now, body["poll"]) } : {}),
    flags,
    edited_timestamp: timestamp(serverClock(world, now)),
  }
  const inEmbeds = hasEmbeds ? embedFiles.used : message.inEmbeds
  const inComponents = hasComponents ? componentFiles.used : message.inComponents
  return shown({ ...message, json, attachments, inEmbeds, inComponents })
}

/** A poll leaves a message only when that becomes one of Components V2, which has nothing else. */
function withoutPoll(before: MessageJson): MessageJson {
  const { poll: _, ...rest }: MessageJson & { readonly poll?: unknown } = before
  return rest
}

function attach(
  world: World,
  now: number,
  channelId: string,
  entries: ReadonlyArray<Entry>,
): ReadonlyArray<Attachment> {
  return entries.map((entry) =>
    entry._tag === "Kept" ? entry.attachment : addAttachment(world, now, channelId, entry.upload),
  )
}

/** Files that embeds or components show are not in `attachments`; they come back with an edit. */
function shown(message: Message): Message {
  const attachments = message.attachments.filter(
    ({ id }) => !message.inEmbeds.has(id) && !message.inComponents.has(id),
  )
  return { ...message, json: { ...message.json, attachments } }
}

/** New content brings new mentions, under the `allowed_mentions` of the edit. */
function editedContent(body: Fields): { readonly content: string } {
  const content = textOf(body["content"])
  return { content, ...findMentions(content, body["allowed_mentions"]) }
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
    question: { text: isRecord(poll["question"]) ? poll["question"]["text"] : "" },
    answers: listOf(poll["answers"])
      .filter(isRecord)
      .map((answer, index) => ({
        answer_id: index + 1,
        poll_media: pollMedia(answer["poll_media"]),
      })),
    expiry: timestamp(expiry),
    allow_multiselect: poll["allow_multiselect"] === true,
    layout_type: 1,
    results: { is_finalized: false, answer_counts: [] },
  }
}

function pollMedia(media: unknown): unknown {
  if (!isRecord(media)) return media
  const { text, emoji } = media
  return isRecord(emoji) ? { text, emoji: { id: null, ...emojiAnswer(emoji) } } : { text }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : ""
}

function listOf(value: unknown): ReadonlyArray<unknown> {
  return Array.isArray(value) ? value : []
}

/** Parses the mentions of a text. Without `allowed_mentions` a webhook mentions users only. */
function findMentions(text: string, allowedMentions: unknown): Mentions {
  if (!text.includes("@")) return { mention_everyone: false, mentions: [], mention_roles: [] }
  const allows = allowance(allowedMentions)
  const users = idsOf(text, /<@!?(\d{1,20})>/g).filter((id) => allows("users", id))
  return {
    mention_everyone: /@(?:everyone|here)\b/.test(text) && allows("everyone"),
    mentions: users.map(mentionedUser),
    mention_roles: idsOf(text, /<@&(\d{1,20})>/g).filter((id) => allows("roles", id)),
  }
}

function allowance(allowedMentions: unknown): Allows {
  if (!isRecord(allowedMentions)) return (kind) => kind === "users"
  const parse = strings(allowedMentions["parse"])
  return (kind, id) =>
    parse.includes(kind) || (id !== undefined && strings(allowedMentions[kind]).includes(id))
}

function strings(value: unknown): ReadonlyArray<string> {
  return Array.isArray(value) ? value.map(String) : []
}

function idsOf(text: string, pattern: RegExp): ReadonlyArray<string> {
  return [...new Set(Array.from(text.matchAll(pattern), (match) => match[1] ?? ""))]
}

/** The simulator knows no users: everybody exists, and is named after his id. */
function mentionedUser(id: string): unknown {
  return {
    id,
    username: `user-${id}`,
    discriminator: "0",
    global_name: null,
    avatar: null,
    public_flags: 0,
    flags: 0,
    primary_guild: null,
  }
}
