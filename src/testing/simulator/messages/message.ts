/** Messages as Discord returns them: how they are made and edited, and their flags. */
import { type JsonObject, isJsonObject } from "../http/exchange.js"
import { addAttachment, type AttachmentEntry } from "./attachments.js"
import { isAbsent } from "../forms/check.js"
import { formatServerTime } from "../generate.js"
import {
  type Attachment,
  type Message,
  type MessageJson,
  generateAvatarHash,
  generateId,
  getServerTime,
  type Thread,
  type Webhook,
  type State,
} from "../state.js"
import { renderComponents, renderEmbed, renderEmoji, makeFileReferences } from "./render.js"

const suppressEmbedsFlag = 1 << 2
export const ephemeralFlag = 1 << 6
export const loadingFlag = 1 << 7
const suppressNotificationsFlag = 1 << 12
const voiceMessageFlag = 1 << 13
const componentsV2Flag = 1 << 15

/** The flags that a webhook may set; others are ignored. */
const settableFlags =
  suppressEmbedsFlag | suppressNotificationsFlag | voiceMessageFlag | componentsV2Flag

export const isVoiceMessage = (flags: unknown): boolean =>
  typeof flags === "number" && (flags & voiceMessageFlag) !== 0

export const isComponentsV2 = (flags: unknown): boolean =>
  typeof flags === "number" && (flags & componentsV2Flag) !== 0

export const isLoading = (flags: number): boolean => (flags & loadingFlag) !== 0

/** The flags of a new message. Only interactions may set EPHEMERAL. */
const resolveSentFlags = (flags: unknown, isInteraction: boolean): number =>
  typeof flags === "number"
    ? flags & (isInteraction ? settableFlags | ephemeralFlag : settableFlags)
    : 0

/**
 * The flags after an edit. SUPPRESS_EMBEDS may be set and cleared, IS_COMPONENTS_V2 only set; other
 * changes are ignored. The first edit clears LOADING.
 */
const resolveEditedFlags = (before: number, flags: unknown): number => {
  if (typeof flags !== "number") return before & ~loadingFlag
  return (
    (before & ~suppressEmbedsFlag & ~loadingFlag) |
    (flags & (suppressEmbedsFlag | componentsV2Flag))
  )
}

/** The mentions of a message that `allowed_mentions` lets through. */
interface Mentions {
  readonly mention_everyone: boolean
  readonly mentions: ReadonlyArray<unknown>
  readonly mention_roles: ReadonlyArray<string>
}

type MentionAllowance = (kind: "users" | "roles" | "everyone", id?: string) => boolean

/** Whether a message has no visible part. */
export const isEmptyMessage = (message: JsonObject): boolean =>
  ["content", "embeds", "components", "attachments", "poll"].every((part) =>
    isAbsent(message[part]),
  )

/** The id, thread and attachments of a new message. */
export interface NewMessage {
  readonly id: string
  readonly thread: Thread | undefined
  readonly entries: ReadonlyArray<AttachmentEntry>
}

/** Makes the message of an execute. */
export const makeMessage = (
  state: State,
  now: number,
  webhook: Webhook,
  body: JsonObject,
  { id, thread, entries }: NewMessage,
): Message => {
  const content = textOrEmpty(body["content"])
  const channelId = thread?.id ?? webhook.channel.id
  const attachments = makeAttachments(state, now, channelId, entries)
  // They note which attachments the embeds and components use while `json` is made.
  const embedFiles = makeFileReferences(attachments)
  const componentFiles = makeFileReferences(attachments)
  const nextId = () => generateId(state, now)
  const json: MessageJson = {
    type: 0,
    content,
    ...parseMentions(content, body["allowed_mentions"]),
    attachments: [],
    embeds: listOrEmpty(body["embeds"]).map((embed) => renderEmbed(embed, embedFiles)),
    timestamp: formatServerTime(getServerTime(state, now)),
    edited_timestamp: null,
    flags: resolveSentFlags(body["flags"], webhook.interaction !== undefined),
    components: renderComponents(body["components"], { nextId, files: componentFiles }),
    id,
    channel_id: channelId,
    author: renderAuthor(state, webhook, body),
    pinned: false,
    tts: body["tts"] === true,
    ...(isJsonObject(body["poll"]) ? { poll: renderPoll(state, now, body["poll"]) } : {}),
    webhook_id: webhook.id,
    ...(webhook.applicationId === null ? {} : { application_id: webhook.applicationId }),
    ...(thread === undefined ? {} : { position: thread.messages }),
  }
  const { used: inEmbeds } = embedFiles
  const { used: inComponents } = componentFiles
  return omitReferencedAttachments({
    id,
    threadId: thread?.id,
    json,
    attachments,
    embedAttachmentIds: inEmbeds,
    componentAttachmentIds: inComponents,
  })
}

/** The message after an edit. Absent fields are kept, null fields are cleared. */
export const applyEdit = (
  state: State,
  now: number,
  message: Message,
  body: JsonObject,
  entries: ReadonlyArray<AttachmentEntry>,
): Message => {
  const before = message.json
  const attachments = makeAttachments(state, now, String(before["channel_id"]), entries)
  // They note which attachments the embeds and components use while `json` is made.
  const embedFiles = makeFileReferences(attachments)
  const componentFiles = makeFileReferences(attachments)
  const nextId = () => generateId(state, now)
  const hasEmbeds = "embeds" in body
  const hasComponents = "components" in body
  const flags = resolveEditedFlags(before.flags, body["flags"])
  const json: MessageJson = {
    ...(isComponentsV2(flags) ? removePoll(before) : before),
    ...("content" in body ? renderContentAndMentions(body) : {}),
    ...(hasEmbeds
      ? { embeds: listOrEmpty(body["embeds"]).map((embed) => renderEmbed(embed, embedFiles)) }
      : {}),
    ...(hasComponents
      ? { components: renderComponents(body["components"], { nextId, files: componentFiles }) }
      : {}),
    ...(isJsonObject(body["poll"]) ? { poll: renderPoll(state, now, body["poll"]) } : {}),
    flags,
    edited_timestamp: formatServerTime(getServerTime(state, now)),
  }
  const inEmbeds = hasEmbeds ? embedFiles.used : message.embedAttachmentIds
  const inComponents = hasComponents ? componentFiles.used : message.componentAttachmentIds
  return omitReferencedAttachments({
    ...message,
    json,
    attachments,
    embedAttachmentIds: inEmbeds,
    componentAttachmentIds: inComponents,
  })
}

/** Removes the poll of a message that becomes Components V2. */
function removePoll(before: MessageJson): MessageJson {
  const { poll: _, ...rest }: MessageJson & { readonly poll?: unknown } = before
  return rest
}

function makeAttachments(
  state: State,
  now: number,
  channelId: string,
  entries: ReadonlyArray<AttachmentEntry>,
): ReadonlyArray<Attachment> {
  return entries.map((entry) =>
    entry._tag === "Kept" ? entry.attachment : addAttachment(state, now, channelId, entry.upload),
  )
}

/**
 * Leaves files that embeds or components show out of `attachments`; an edit may list them again.
 */
function omitReferencedAttachments(message: Message): Message {
  const attachments = message.attachments.filter(
    ({ id }) => !message.embedAttachmentIds.has(id) && !message.componentAttachmentIds.has(id),
  )
  return { ...message, json: { ...message.json, attachments } }
}

/** The content of an edit, with mentions by the `allowed_mentions` of the edit. */
function renderContentAndMentions(body: JsonObject): { readonly content: string } & Mentions {
  const content = textOrEmpty(body["content"])
  return { content, ...parseMentions(content, body["allowed_mentions"]) }
}

function renderAuthor(state: State, webhook: Webhook, body: JsonObject): unknown {
  const hasAvatar = !isAbsent(body["avatar_url"])
  return {
    id: webhook.id,
    username: isAbsent(body["username"]) ? webhook.name : textOrEmpty(body["username"]).trim(),
    avatar: hasAvatar ? generateAvatarHash(state) : webhook.avatar,
    discriminator: "0000",
    public_flags: 0,
    flags: 0,
    bot: true,
    global_name: null,
    primary_guild: null,
  }
}

function renderPoll(state: State, now: number, poll: JsonObject): unknown {
  const hours = typeof poll["duration"] === "number" ? poll["duration"] : 24
  const expiry = getServerTime(state, now) + hours * 3_600_000
  return {
    question: { text: isJsonObject(poll["question"]) ? poll["question"]["text"] : "" },
    answers: listOrEmpty(poll["answers"])
      .filter(isJsonObject)
      .map((answer, index) => ({
        answer_id: index + 1,
        poll_media: renderPollMedia(answer["poll_media"]),
      })),
    expiry: formatServerTime(expiry),
    allow_multiselect: poll["allow_multiselect"] === true,
    layout_type: 1,
    results: { is_finalized: false, answer_counts: [] },
  }
}

function renderPollMedia(media: unknown): unknown {
  if (!isJsonObject(media)) return media
  const { text, emoji } = media
  return isJsonObject(emoji) ? { text, emoji: { id: null, ...renderEmoji(emoji) } } : { text }
}

function textOrEmpty(value: unknown): string {
  return typeof value === "string" ? value : ""
}

function listOrEmpty(value: unknown): ReadonlyArray<unknown> {
  return Array.isArray(value) ? value : []
}

/** Parses the mentions of a text. Without `allowed_mentions` a webhook mentions users only. */
function parseMentions(text: string, allowedMentions: unknown): Mentions {
  if (!text.includes("@")) return { mention_everyone: false, mentions: [], mention_roles: [] }
  const allows = makeAllowance(allowedMentions)
  const users = matchIds(text, /<@!?(\d{1,20})>/g).filter((id) => allows("users", id))
  return {
    mention_everyone: /@(?:everyone|here)\b/.test(text) && allows("everyone"),
    mentions: users.map(renderUser),
    mention_roles: matchIds(text, /<@&(\d{1,20})>/g).filter((id) => allows("roles", id)),
  }
}

function makeAllowance(allowedMentions: unknown): MentionAllowance {
  if (!isJsonObject(allowedMentions)) return (kind) => kind === "users"
  const parse = toStrings(allowedMentions["parse"])
  return (kind, id) =>
    parse.includes(kind) || (id !== undefined && toStrings(allowedMentions[kind]).includes(id))
}

function toStrings(value: unknown): ReadonlyArray<string> {
  return Array.isArray(value) ? value.map(String) : []
}

function matchIds(text: string, pattern: RegExp): ReadonlyArray<string> {
  return [...new Set(Array.from(text.matchAll(pattern), (match) => match[1] ?? ""))]
}

/** A mentioned user. The simulator has no users: every id is accepted, and the name is made from it. */
function renderUser(id: string): unknown {
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
