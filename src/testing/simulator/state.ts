import type { ActiveFault } from "./faults.js"
import { type Limits, makeLimits } from "./limits.js"
import { type Config, type Options, resolveOptions } from "./options.js"
import { type Random, randomHash, randomToken, seededRandom } from "./random.js"
import { makeIdGenerator } from "./snowflake.js"
import { makeTraffic, type Traffic } from "./traffic.js"

type ChannelKind = "text" | "announcement" | "forum" | "media"

/** What webhooks may do in a channel: everything, read, or nothing. */
export type Permission = "granted" | "missingPermissions" | "missingAccess"

/** Where a webhook posts. Threads live in it. */
export interface Channel {
  readonly id: string
  readonly kind: ChannelKind
  readonly threads: Map<string, Thread>
  tags: ReadonlyArray<string>
  requiresTag: boolean
  permission: Permission
  /** Milliseconds that a webhook waits between two messages in one place. */
  slowmodeMillis: number
  /** When each webhook sent to each place, while there is a slowmode. */
  readonly lastSentAt: Map<string, number>
}

export interface Thread {
  readonly id: string
  readonly appliedTags: ReadonlyArray<string>
  name: string
  archived: boolean
  locked: boolean
  /** Messages ever sent to it: the `position` of the next one. */
  messages: number
}

export interface Webhook {
  readonly id: string
  readonly token: string
  readonly channel: Channel
  readonly guildId: string
  readonly applicationId: string | null
  /** Absent for a webhook that is none of an interaction. */
  readonly interaction?: Interaction | undefined
  name: string
  avatar: string | null
  readonly messages: Map<string, Message>
}

/** An interaction, whose token is that of its application's webhook for a while. */
export interface Interaction {
  readonly id: string
  readonly expiresAt: number
  /** The message of the initial response, deleted or not; absent until it was given. */
  originalId: string | undefined
}

/**
 * A message as Discord answers it, and where it is. The JSON is replaced, never changed. Its
 * `attachments` are those that neither embeds nor components show.
 */
export interface Message {
  readonly id: string
  readonly threadId: string | undefined
  readonly json: MessageJson
  readonly attachments: ReadonlyArray<Attachment>
  /** The ids of attachments that its embeds show, and its components. */
  readonly embedAttachmentIds: ReadonlySet<string>
  readonly componentAttachmentIds: ReadonlySet<string>
}

/** A file of a message, as Discord answers it. */
export interface Attachment extends Readonly<Record<string, unknown>> {
  readonly id: string
  readonly filename: string
  readonly url: string
  readonly proxy_url: string
}

export type MessageJson = Readonly<Record<string, unknown>> & {
  readonly content: string
  readonly flags: number
  readonly embeds: ReadonlyArray<unknown>
  readonly components: ReadonlyArray<unknown>
  readonly attachments: ReadonlyArray<unknown>
}

/** The bytes of an attachment, kept for download. */
export interface StoredFile {
  readonly filename: string
  readonly contentType: string
  readonly bytes: Uint8Array
}

/** Files by the id of their attachment, the oldest first. `size` is all their bytes together. */
export interface FileStore {
  readonly files: Map<string, StoredFile>
  size: number
}

/** The whole state of the simulated Discord: one owner, changed only by `handle` and by commands. */
export interface State {
  options: Options
  config: Config
  readonly random: Random
  readonly nextId: (serverNow: number) => string
  readonly guildId: string
  readonly files: FileStore
  /** Where files are downloaded from: Discord's hosts, or the server that serves the world. */
  cdn: Cdn
  readonly channels: Map<string, Channel>
  readonly webhooks: Map<string, Webhook>
  /** The webhooks of interactions, by token: all of an application have its id. */
  readonly interactions: Map<string, Webhook>
  readonly limits: Limits
  readonly faults: Array<ActiveFault>
  readonly traffic: Traffic
}

interface Cdn {
  readonly origin: string
  readonly proxyOrigin: string
}

export const makeState = (options: Options, now: number): State => {
  const config = resolveOptions(options)
  const random = seededRandom(options.seed ?? 1)
  const nextId = makeIdGenerator()
  return {
    options,
    config,
    random,
    nextId,
    guildId: nextId(now + config.clockSkew),
    files: { files: new Map(), size: 0 },
    cdn: config.cdn,
    channels: new Map(),
    webhooks: new Map(),
    interactions: new Map(),
    limits: makeLimits(random),
    faults: [],
    traffic: makeTraffic(),
  }
}

/** The server's reading of the clock. */
export const getServerTime = (state: State, now: number): number => now + state.config.clockSkew

export const generateId = (state: State, now: number): string =>
  state.nextId(getServerTime(state, now))

export interface NewWebhook {
  readonly name: string
  readonly kind: ChannelKind
  readonly channelId: string | undefined
  readonly tags: ReadonlyArray<string>
  readonly requiresTag: boolean
  readonly applicationOwned: boolean
}

/** A webhook in a channel of its own, or in the channel of that id when there is one. */
export const addWebhook = (state: State, now: number, options: NewWebhook): Webhook => {
  const channelId = options.channelId ?? generateId(state, now)
  const channel = state.channels.get(channelId) ?? addChannel(state, channelId, options)
  const webhook: Webhook = {
    id: generateId(state, now),
    token: randomToken(state.random),
    channel,
    guildId: state.guildId,
    applicationId: options.applicationOwned ? generateId(state, now) : null,
    name: options.name,
    avatar: null,
    messages: new Map(),
  }
  state.webhooks.set(webhook.id, webhook)
  return webhook
}

export function addChannel(
  state: State,
  id: string,
  options: Partial<Pick<NewWebhook, "kind" | "tags" | "requiresTag">> = {},
): Channel {
  const channel: Channel = {
    id,
    kind: options.kind ?? "text",
    threads: new Map(),
    tags: options.tags ?? [],
    requiresTag: options.requiresTag ?? false,
    permission: "granted",
    slowmodeMillis: 0,
    lastSentAt: new Map(),
  }
  state.channels.set(id, channel)
  return channel
}

export const addThread = (
  channel: Channel,
  { id, name, appliedTags }: Pick<Thread, "id" | "name" | "appliedTags">,
): Thread => {
  const thread: Thread = { id, name, appliedTags, archived: false, locked: false, messages: 0 }
  channel.threads.set(thread.id, thread)
  return thread
}

/** Channels that hold posts, each a thread of its own, and no messages. */
export const isForum = ({ kind }: Channel): boolean => kind === "forum" || kind === "media"

/** The threads of the whole server that are not archived; those of announcements count apart. */
export const countActiveThreads = (state: State, ofAnnouncements: boolean): number => {
  let active = 0
  for (const { kind, threads } of state.channels.values()) {
    if ((kind === "announcement") !== ofAnnouncements) continue
    for (const { archived } of threads.values()) if (!archived) active++
  }
  return active
}

/** Keeps a message, and forgets the webhook's oldest when there are more than `maxStoredMessages`. */
export const storeMessage = (state: State, webhook: Webhook, message: Message): void => {
  webhook.messages.set(message.id, message)
  while (webhook.messages.size > state.config.maxStoredMessages) {
    const oldest = webhook.messages.values().next()
    if (oldest.done === true) return
    removeMessage(state, webhook, oldest.value)
  }
}

/** With a message go its files. */
export function removeMessage(state: State, webhook: Webhook, message: Message): void {
  webhook.messages.delete(message.id)
  for (const { id } of message.attachments) removeFile(state.files, id)
}

export const generateAvatarHash = (state: State): string => randomHash(state.random)

/** Keeps a file, and forgets the oldest when there are more than `maxBytes` bytes. */
export const storeFile = (
  store: FileStore,
  attachmentId: string,
  file: StoredFile,
  maxBytes: number,
): void => {
  store.files.set(attachmentId, file)
  store.size += file.bytes.length
  for (const id of store.files.keys()) {
    if (store.size <= maxBytes) return
    removeFile(store, id)
  }
}

export function removeFile(store: FileStore, attachmentId: string): void {
  store.size -= store.files.get(attachmentId)?.bytes.length ?? 0
  store.files.delete(attachmentId)
}
