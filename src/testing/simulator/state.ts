import type { ActiveFault } from "./faults.js"
import { type Limits, makeLimits } from "./limits.js"
import { type Config, type Options, resolveOptions } from "./options.js"
import { type Random, randomHash, randomToken, seededRandom, makeIdGenerator } from "./generate.js"
import { makeTraffic, type Traffic } from "./traffic.js"

type ChannelKind = "text" | "announcement" | "forum" | "media"

/** The permissions of webhooks in a channel: all, read-only, or none. */
export type Permission = "granted" | "missingPermissions" | "missingAccess"

/** A channel with its threads. */
export interface Channel {
  readonly id: string
  readonly kind: ChannelKind
  readonly threads: Map<string, Thread>
  tags: ReadonlyArray<string>
  requiresTag: boolean
  permission: Permission
  /** Minimum time between two messages of a webhook in the channel or in one of its threads. */
  slowmodeMillis: number
  /** The time of the last message, by webhook and destination, while there is a slowmode. */
  readonly lastSentAt: Map<string, number>
}

export interface Thread {
  readonly id: string
  readonly appliedTags: ReadonlyArray<string>
  name: string
  archived: boolean
  locked: boolean
  /** The number of messages sent to it: the `position` of the next one. */
  messages: number
}

export interface Webhook {
  readonly id: string
  readonly token: string
  readonly channel: Channel
  readonly guildId: string
  readonly applicationId: string | null
  /** Absent unless the webhook belongs to an interaction. */
  readonly interaction?: Interaction | undefined
  name: string
  avatar: string | null
  readonly messages: Map<string, Message>
}

/** An interaction. Its token is the token of the application's webhook until `expiresAt`. */
export interface Interaction {
  readonly id: string
  readonly expiresAt: number
  /** The message of the initial response, even if it was deleted; absent before the response. */
  originalId: string | undefined
}

/**
 * A message. `json` is immutable and replaced by edits; its `attachments` are those that neither
 * embeds nor components show.
 */
export interface Message {
  readonly id: string
  readonly threadId: string | undefined
  readonly json: MessageJson
  readonly attachments: ReadonlyArray<Attachment>
  /** The ids of the attachments that embeds or components show. */
  readonly embedAttachmentIds: ReadonlySet<string>
  readonly componentAttachmentIds: ReadonlySet<string>
}

/** An attachment as Discord returns it. */
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

/** The file of an attachment, kept for downloads. */
export interface StoredFile {
  readonly filename: string
  readonly contentType: string
  readonly bytes: Uint8Array
}

/** Files by attachment id, the oldest first. `size` is the sum of their bytes. */
export interface FileStore {
  readonly files: Map<string, StoredFile>
  size: number
}

/** The state of the simulator. Only `handle` and `commands.ts` change it. */
export interface State {
  options: Options
  config: Config
  readonly random: Random
  readonly nextId: (serverNow: number) => string
  readonly guildId: string
  readonly files: FileStore
  /** The hosts of attachment URLs: Discord's, or the server that serves the simulator. */
  cdn: Cdn
  readonly channels: Map<string, Channel>
  readonly webhooks: Map<string, Webhook>
  /** The webhooks of interactions, by token. Those of one application share its id. */
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

/** The time of the server's clock, with its skew. */
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

/** Adds a webhook to the channel of this id, or to a new channel. */
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

/** Whether all messages of a channel are in threads. */
export const isForum = ({ kind }: Channel): boolean => kind === "forum" || kind === "media"

/** Counts the active threads of the server. Announcement threads are counted separately. */
export const countActiveThreads = (state: State, ofAnnouncements: boolean): number => {
  let active = 0
  for (const { kind, threads } of state.channels.values()) {
    if ((kind === "announcement") !== ofAnnouncements) continue
    for (const { archived } of threads.values()) if (!archived) active++
  }
  return active
}

/** Stores a message, and removes the webhook's oldest above `maxStoredMessages`. */
export const storeMessage = (state: State, webhook: Webhook, message: Message): void => {
  webhook.messages.set(message.id, message)
  while (webhook.messages.size > state.config.maxStoredMessages) {
    const oldest = webhook.messages.values().next()
    if (oldest.done === true) return
    removeMessage(state, webhook, oldest.value)
  }
}

/** Removes a message and its files. */
export function removeMessage(state: State, webhook: Webhook, message: Message): void {
  webhook.messages.delete(message.id)
  for (const { id } of message.attachments) removeFile(state.files, id)
}

export const generateAvatarHash = (state: State): string => randomHash(state.random)

/** Stores a file, and removes the oldest above `maxBytes`. */
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
