/**
 * Messages as Discord sends them.
 *
 * @since 0.1.0
 * @module
 */
import * as Arr from "effect/Array"
import type * as Effect from "effect/Effect"
import type * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"

import { none as notifyNobody } from "./AllowedMentions.js"
import { Attachment } from "./Attachment.js"
import type { AttachmentCreate } from "./Attachment.js"
import { Component, fromReceived as componentFromReceived } from "./Component.js"
import { hasContent } from "./composition.js"
import { Embed, fromReceived as embedFromReceived } from "./Embed.js"
import type { EmbedCreate } from "./Embed.js"
import { Emoji } from "./Emoji.js"
import { findShownFiles, type FileReference, withAttachmentUrls } from "./fileReferences.js"
import type { MessageCreate } from "./MessageCreate.js"
import type { MessageEdit } from "./MessageEdit.js"
import { combine, Flag } from "./MessageFlags.js"
import { fromReceived as pollFromReceived, Poll } from "./Poll.js"
import { isOmittedEmbed } from "./resend.js"
import { Snowflake } from "./Snowflake.js"
import { Timestamp } from "./timestamp.js"
import { User } from "./User.js"
import { list, Numeric, withDefault, required, nullishToAbsent } from "./fields.js"

const none = (): ReadonlyArray<never> => []
const no = (): boolean => false

/** Rarely seen parts, kept as Discord sends them. */
const Raw = Schema.Object.annotations({
  arbitrary: () => (fc) => fc.record({ id: fc.string(), novelty: fc.boolean() }),
})

const reference = Schema.Struct({
  /** 0 reply, 1 forward. */
  type: withDefault(Numeric, () => 0),
  messageId: nullishToAbsent(Snowflake, "message_id"),
  channelId: nullishToAbsent(Snowflake, "channel_id"),
  guildId: nullishToAbsent(Snowflake, "guild_id"),
})

const StickerItem = Schema.Struct({
  id: Snowflake,
  name: withDefault(Schema.String, () => ""),
  /** 1 PNG, 2 APNG, 3 Lottie, 4 GIF. */
  formatType: nullishToAbsent(Numeric, "format_type"),
})

/** What a message and a snapshot of a forwarded one share. */
const body = {
  type: withDefault(Numeric, () => 0),
  content: withDefault(Schema.String, () => ""),
  editedTimestamp: nullishToAbsent(Timestamp, "edited_timestamp"),
  mentions: withDefault(list(User), none),
  mentionRoles: withDefault(list(Snowflake), none, "mention_roles"),
  attachments: withDefault(list(Attachment), none),
  embeds: withDefault(list(Embed), none),
  components: withDefault(list(Component), none),
  flags: withDefault(Numeric, () => 0),
  stickerItems: nullishToAbsent(list(StickerItem), "sticker_items"),
  stickers: nullishToAbsent(list(Raw)),
}

/**
 * What a forwarded message looked like. Discord leaves out author and ids, and at times more.
 *
 * @example
 * ```ts
 * import type { Message } from "effect-discord"
 *
 * const texts = (message: Message.Message) =>
 *   message.messageSnapshots?.map((snapshot) => snapshot.message.content) ?? []
 * ```
 *
 * @see Discord: Message Snapshot Object
 * @since 0.1.0
 * @category models
 */
export const MessageSnapshot = Schema.Struct({
  ...body,
  timestamp: nullishToAbsent(Timestamp),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface MessageSnapshot extends Schema.Schema.Type<typeof MessageSnapshot> {}

/**
 * A thread that started from a message.
 *
 * @example
 * ```ts
 * import type { Message } from "effect-discord"
 *
 * const isOpen = (thread: Message.Thread) => thread.threadMetadata?.archived === false
 * ```
 *
 * @see Discord: Channel Object
 * @since 0.1.0
 * @category models
 */
export const Thread = Schema.Struct({
  id: Snowflake,
  type: nullishToAbsent(Numeric),
  guildId: nullishToAbsent(Snowflake, "guild_id"),
  parentId: nullishToAbsent(Snowflake, "parent_id"),
  ownerId: nullishToAbsent(Snowflake, "owner_id"),
  name: nullishToAbsent(Schema.String),
  lastMessageId: nullishToAbsent(Snowflake, "last_message_id"),
  messageCount: nullishToAbsent(Numeric, "message_count"),
  memberCount: nullishToAbsent(Numeric, "member_count"),
  totalMessageSent: nullishToAbsent(Numeric, "total_message_sent"),
  /** Seconds. */
  rateLimitPerUser: nullishToAbsent(Numeric, "rate_limit_per_user"),
  flags: nullishToAbsent(Numeric),
  appliedTags: nullishToAbsent(list(Snowflake), "applied_tags"),
  threadMetadata: nullishToAbsent(
    Schema.Struct({
      archived: withDefault(Schema.Boolean, no),
      locked: withDefault(Schema.Boolean, no),
      /** Minutes. */
      autoArchiveDuration: nullishToAbsent(Numeric, "auto_archive_duration"),
      archiveTimestamp: nullishToAbsent(Timestamp, "archive_timestamp"),
      createTimestamp: nullishToAbsent(Timestamp, "create_timestamp"),
    }),
    "thread_metadata",
  ),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface Thread extends Schema.Schema.Type<typeof Thread> {}

/**
 * One emoji under a message, with its count.
 *
 * @example
 * ```ts
 * import type { Message } from "effect-discord"
 *
 * const fires = (reactions: ReadonlyArray<Message.Reaction>) =>
 *   reactions.find((reaction) => reaction.emoji.name === "🔥")?.count ?? 0
 * ```
 *
 * @see Discord: Reaction Object
 * @since 0.1.0
 * @category models
 */
export const Reaction = Schema.Struct({
  emoji: Emoji,
  count: withDefault(Numeric, () => 0),
  countDetails: nullishToAbsent(
    Schema.Struct({
      burst: withDefault(Numeric, () => 0),
      normal: withDefault(Numeric, () => 0),
    }),
    "count_details",
  ),
  me: withDefault(Schema.Boolean, no),
  meBurst: withDefault(Schema.Boolean, no, "me_burst"),
  burstColors: withDefault(list(Schema.String), none, "burst_colors"),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface Reaction extends Schema.Schema.Type<typeof Reaction> {}

const InteractionMetadata = Schema.Struct({
  id: Snowflake,
  type: nullishToAbsent(Numeric),
  user: nullishToAbsent(User),
  name: nullishToAbsent(Schema.String),
  originalResponseMessageId: nullishToAbsent(Snowflake, "original_response_message_id"),
  interactedMessageId: nullishToAbsent(Snowflake, "interacted_message_id"),
  targetMessageId: nullishToAbsent(Snowflake, "target_message_id"),
  targetUser: nullishToAbsent(User, "target_user"),
})

const fields = {
  ...body,
  id: Snowflake,
  channelId: required(Snowflake, "channel_id"),
  /** Of a webhook's message: the webhook's id and the name it showed; no real user. */
  author: User,
  timestamp: Timestamp,
  webhookId: nullishToAbsent(Snowflake, "webhook_id"),
  applicationId: nullishToAbsent(Snowflake, "application_id"),
  tts: withDefault(Schema.Boolean, no),
  pinned: withDefault(Schema.Boolean, no),
  mentionEveryone: withDefault(Schema.Boolean, no, "mention_everyone"),
  mentionChannels: nullishToAbsent(
    list(
      Schema.Struct({
        id: Snowflake,
        guildId: nullishToAbsent(Snowflake, "guild_id"),
        type: nullishToAbsent(Numeric),
        name: nullishToAbsent(Schema.String),
      }),
    ),
    "mention_channels",
  ),
  nonce: nullishToAbsent(Schema.Union(Schema.String, Numeric)),
  /** Place in its thread; gaps and repeats happen. */
  position: nullishToAbsent(Numeric),
  reactions: nullishToAbsent(list(Reaction)),
  poll: nullishToAbsent(Poll),
  thread: nullishToAbsent(Thread),
  messageReference: nullishToAbsent(reference, "message_reference"),
  messageSnapshots: nullishToAbsent(
    list(Schema.Struct({ message: MessageSnapshot })),
    "message_snapshots",
  ),
  interactionMetadata: nullishToAbsent(InteractionMetadata, "interaction_metadata"),
  interaction: nullishToAbsent(Raw),
  activity: nullishToAbsent(Raw),
  application: nullishToAbsent(Raw),
  resolved: nullishToAbsent(Raw),
  roleSubscriptionData: nullishToAbsent(Raw, "role_subscription_data"),
  purchaseNotification: nullishToAbsent(Raw, "purchase_notification"),
  call: nullishToAbsent(Raw),
  sharedClientTheme: nullishToAbsent(Raw, "shared_client_theme"),
}

/**
 * A message as Discord sends it.
 *
 * Decoded leniently, so that something new at Discord never breaks a running program and a message
 * that was posted is never lost to one odd field. Only `id`, `channel_id`, `author.id` and
 * `timestamp` must be there. Anywhere else, a field that is absent, `null` or of another type is an
 * absent key (or an empty list, an empty text, `false`, 0 where that is its meaning); an item of a
 * list that does not fit is left out; unknown fields are dropped; unknown kinds of message, embed
 * and component are kept.
 *
 * @example
 * ```ts
 * import type { Message } from "effect-discord"
 *
 * const wasEdited = (message: Message.Message) => message.editedTimestamp !== undefined
 * ```
 *
 * @see Discord: Message Object
 * @since 0.1.0
 * @category models
 */
export const Message = Schema.Struct({
  ...fields,
  /** The message replied to; one level deep, and absent when it was deleted. */
  referencedMessage: nullishToAbsent(Schema.Struct(fields), "referenced_message"),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface Message extends Schema.Schema.Type<typeof Message> {}

/**
 * Decodes the response of Execute Webhook, Get and Edit Webhook Message.
 *
 * @example
 * ```ts
 * import { Message } from "effect-discord"
 *
 * const message = Message.decode({
 *   id: "1",
 *   channel_id: "2",
 *   author: { id: "3", username: "Ada" },
 *   timestamp: "2026-01-31T12:00:00.000000+00:00",
 * })
 * ```
 *
 * @since 0.1.0
 * @category decoding
 */
export const decode = (json: unknown): Effect.Effect<Message, ParseResult.ParseError> =>
  Schema.decodeUnknown(Message)(json)

/**
 * All files of a message, as `files` of an edit takes those that stay: its attachments, and the
 * files that its embeds and components show, which Discord leaves out of `attachments`. Of the
 * latter only the id and the name are known, from the URL of the picture. A picture that an embed
 * links from another message of the same channel cannot be told from a file of this one.
 *
 * @example
 * ```ts
 * import { FileUpload, Message, Webhook } from "effect-discord"
 *
 * const addLog = (hook: Webhook.Webhook, message: Message.Message) =>
 *   Webhook.editMessage(hook, message.id, {
 *     files: [...Message.files(message), FileUpload.fromText("build.log", "done")],
 *   })
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export const files = (message: Message): ReadonlyArray<Attachment | FileReference> => {
  const listed = new Set<string>(message.attachments.map(({ id }) => id))
  return [...message.attachments, ...findShownFiles(message).filter(({ id }) => !listed.has(id))]
}

const settable = combine(Flag.SuppressEmbeds, Flag.SuppressNotifications, Flag.IsComponentsV2)
/** The bits that an edit may send: JavaScript's operators keep these positive. */
const editable = 0x7fffffff

/**
 * A received message as one to send: content, embeds, components, poll, `tts`, and the flags that a
 * webhook may set. A forward becomes the message it forwarded. The copy notifies no one.
 *
 * Left out: files (upload them again; a component that shows one keeps its name, so pass a file of
 * this name), the flag of a voice message (set `IsVoiceMessage` with a file that has the attachment's
 * `durationSecs` and `waveform`), author and avatar (`username`, `avatarUrl`), votes, stickers,
 * reactions, thread, what it replied to, and embeds that Discord made of links, since it makes them
 * again.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Message, Webhook } from "effect-discord"
 *
 * const mirror = (from: Webhook.Webhook, to: Webhook.Webhook, id: string) =>
 *   Effect.gen(function* () {
 *     const message = yield* Webhook.getMessage(from, id)
 *     return yield* Webhook.send(to, {
 *       ...Message.toCreate(message),
 *       username: message.author.username,
 *     })
 *   })
 * ```
 *
 * @since 0.1.0
 * @category conversions
 */
export const toCreate = (message: Message | MessageSnapshot): MessageCreate => {
  const shown = forwarded(message)
  const flags = shown.flags & settable
  const embeds = ownEmbeds(shown)
  const { components, content } = shown
  return {
    ...(content === "" ? {} : { content }),
    ...(embeds.length === 0 ? {} : { embeds }),
    ...(components.length === 0 ? {} : { components: components.map(componentFromReceived) }),
    ...("poll" in shown ? { poll: pollFromReceived(shown.poll, { start: shown.timestamp }) } : {}),
    ...("tts" in shown && shown.tts ? { tts: true } : {}),
    ...(flags === 0 ? {} : { flags }),
    allowedMentions: notifyNobody,
  }
}

/**
 * A received message as the edit that leads back to it: content, embeds, components, flags, and the
 * mentions it has. Its own files stay: its attachments are listed unless the message shows a file,
 * which Discord does not list. Pictures that show one name it (`attachment://`) again; with its CDN
 * address it would show a second time beside the embed.
 *
 * Left out: the poll, which cannot be edited, `tts`, author and avatar. Discord edits no voice message
 * (JSON error 50162).
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Message, Webhook } from "effect-discord"
 *
 * const close = (hook: Webhook.Webhook, id: string) =>
 *   Effect.gen(function* () {
 *     const message = yield* Webhook.getMessage(hook, id)
 *     const content = `${message.content} (closed)`
 *     return yield* Webhook.editMessage(hook, id, { ...Message.toEdit(message), content })
 *   })
 * ```
 *
 * @since 0.1.0
 * @category conversions
 */
export const toEdit = (message: Message): MessageEdit => {
  const { components, content, flags, mentionEveryone, mentionRoles, mentions } = message
  const embeds = withAttachmentUrls(ownEmbeds(message), message)
  return {
    content: content === "" ? null : content,
    // Without any of its own, an empty list might hide the previews of links.
    ...(embeds.length === 0 && message.embeds.length > 0 ? {} : { embeds }),
    components: withAttachmentUrls(components.map(componentFromReceived), message),
    // Files that the message shows are not among its attachments, and a list without them removes them.
    ...(findShownFiles(message).length === 0 ? { attachments: message.attachments.map(kept) } : {}),
    flags: flags & editable,
    allowedMentions: {
      parse: mentionEveryone ? ["everyone"] : [],
      users: Arr.dedupe(mentions.map(({ id }) => id)),
      roles: Arr.dedupe(mentionRoles),
    },
  }
}

function kept({ description, id }: Attachment): AttachmentCreate {
  return description === undefined ? { id } : { id, description }
}

function ownEmbeds({ embeds }: MessageSnapshot): ReadonlyArray<EmbedCreate> {
  return embeds.filter((embed) => !isOmittedEmbed(embed)).map(embedFromReceived)
}

/** A forward has nothing of its own. */
function forwarded(message: Message | MessageSnapshot): Message | MessageSnapshot {
  const [first] = "messageSnapshots" in message ? (message.messageSnapshots ?? []) : []
  return first === undefined || hasContent(message) ? message : first.message
}
