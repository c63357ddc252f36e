import * as Duration from "effect/Duration"
import type { Fault, FaultTarget } from "./faults.js"
import {
  type StoredFile,
  addThread,
  type Channel,
  removeMessage,
  generateId,
  type Permission,
  type Thread,
  type Webhook,
  type State,
} from "./state.js"
import type { Operation } from "./http/route.js"
import { type SharedLimit, takeHiddenSlot, takeRouteSlot } from "./limits.js"
import { mergeOptions, type Options, resolveOptions } from "./options.js"

interface MessageFile extends StoredFile {
  readonly id: string
  readonly messageId: string
}

export const updateOptions = (state: State, changes: Options): void => {
  const options = mergeOptions(state.options, changes)
  const config = resolveOptions(options)
  state.options = options
  state.config = config
}

/** The files of a webhook's messages whose bytes are still stored. */
export const listFiles = (state: State, webhook: Webhook | undefined): ReadonlyArray<MessageFile> =>
  Array.from(webhook?.messages.values() ?? []).flatMap((message) =>
    message.attachments.flatMap(({ id }) => {
      const file = state.files.files.get(id)
      return file === undefined ? [] : [{ id, messageId: message.id, ...file }]
    }),
  )

export const injectFault = (
  state: State,
  fault: Fault,
  options: {
    readonly match?: Operation | ((target: FaultTarget) => boolean) | undefined
    readonly times?: number | undefined
  },
): void => {
  const { match, times = 1 } = options
  const matches =
    match === undefined
      ? () => true
      : typeof match === "function"
        ? match
        : (target: FaultTarget) => target.operation === match
  if (times > 0) state.faults.push({ fault, matches, remaining: times })
}

/** Takes slots as another client would. Returns the number of accepted requests. */
export const consumeSlots = (
  state: State,
  now: number,
  webhook: Webhook,
  requests: number,
): number => {
  const { limits, config } = state
  let accepted = 0
  for (let i = 0; i < requests; i++) {
    const rule = config.rules.execute
    const key = `${webhook.id} ${webhook.token}`
    if (rule !== undefined && !takeRouteSlot(limits, rule, key, now).accepted) return accepted
    const hidden = config.hidden
    if (hidden !== undefined && !takeHiddenSlot(limits, hidden, webhook.channel.id, now).accepted) {
      return accepted
    }
    accepted++
  }
  return accepted
}

export const applySharedLimit = (
  state: State,
  now: number,
  webhookId: string,
  options: { readonly retryAfter: Duration.DurationInput; readonly code?: number | undefined },
): void => {
  const limit: SharedLimit = {
    until: now + Duration.toMillis(options.retryAfter),
    code: options.code,
  }
  state.limits.shared.set(webhookId, limit)
}

/** Gives every bucket a new hash; its slots stay. */
export const rotateHashes = (state: State): void => state.limits.hashes.clear()

export interface ThreadChanges {
  readonly name?: string | undefined
  readonly archived?: boolean | undefined
  readonly locked?: boolean | undefined
}

export interface NewThread extends ThreadChanges {
  readonly appliedTags?: ReadonlyArray<string> | undefined
}

/** Adds a thread without permission checks. */
export const createThread = (
  state: State,
  now: number,
  { channel }: Webhook,
  { name = "thread", appliedTags = [], archived = false, locked = false }: NewThread,
): Thread => {
  const thread = addThread(channel, { id: generateId(state, now), name, appliedTags })
  thread.archived = archived
  thread.locked = locked
  return thread
}

export const updateThread = (webhook: Webhook, threadId: string, changes: ThreadChanges): void => {
  const thread = requireThread(webhook, threadId)
  thread.name = changes.name ?? thread.name
  thread.archived = changes.archived ?? thread.archived
  thread.locked = changes.locked ?? thread.locked
}

/** Removes a thread and its messages, of all webhooks of the channel. */
export const deleteThread = (state: State, { channel }: Webhook, threadId: string): void => {
  channel.threads.delete(threadId)
  for (const webhook of state.webhooks.values()) {
    for (const message of webhook.messages.values()) {
      if (message.threadId === threadId) removeMessage(state, webhook, message)
    }
  }
}

export interface ChannelChanges {
  readonly tags?: ReadonlyArray<string> | undefined
  readonly requireTag?: boolean | undefined
  readonly slowmode?: Duration.DurationInput | undefined
  readonly permission?: Permission | undefined
}

export const updateChannel = (channel: Channel, changes: ChannelChanges): void => {
  channel.tags = changes.tags ?? channel.tags
  channel.requiresTag = changes.requireTag ?? channel.requiresTag
  channel.permission = changes.permission ?? channel.permission
  if (changes.slowmode !== undefined) channel.slowmodeMillis = Duration.toMillis(changes.slowmode)
}

function requireThread({ channel }: Webhook, threadId: string): Thread {
  const thread = channel.threads.get(threadId)
  if (thread === undefined) throw new RangeError(`DiscordSimulator: unknown thread ${threadId}`)
  return thread
}
