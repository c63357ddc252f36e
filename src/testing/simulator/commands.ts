import * as Duration from "effect/Duration"
import type { Fault, FaultTarget } from "./faults.js"
import {
  type StoredFile,
  addThread,
  type Channel,
  forgetMessage,
  newId,
  type Permission,
  type Thread,
  type Webhook,
  type World,
} from "./state.js"
import type { Operation } from "./http/route.js"
import { type SharedLimit, takeHidden, takeRoute } from "./limits.js"
import { mergeOptions, type Options, resolveOptions } from "./options.js"

interface FileOfMessage extends StoredFile {
  readonly id: string
  readonly messageId: string
}

/** What people and other programs do to the server, apart from the requests under test. */

export const changeOptions = (world: World, changes: Options): void => {
  const options = mergeOptions(world.options, changes)
  const config = resolveOptions(options)
  world.options = options
  world.config = config
}

/** The files of a webhook's messages, as far as their bytes are kept. */
export const filesOf = (world: World, webhook: Webhook | undefined): ReadonlyArray<FileOfMessage> =>
  Array.from(webhook?.messages.values() ?? []).flatMap((message) =>
    message.attachments.flatMap(({ id }) => {
      const file = world.files.files.get(id)
      return file === undefined ? [] : [{ id, messageId: message.id, ...file }]
    }),
  )

export const injectFault = (
  world: World,
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
  if (times > 0) world.faults.push({ fault, matches, remaining: times })
}

/** Another client sends on the webhook; answers how many of its messages got through. */
export const consumeSlots = (
  world: World,
  now: number,
  webhook: Webhook,
  requests: number,
): number => {
  const { limits, config } = world
  let accepted = 0
  for (let i = 0; i < requests; i++) {
    const rule = config.rules.execute
    const key = `${webhook.id} ${webhook.token}`
    if (rule !== undefined && !takeRoute(limits, rule, key, now).accepted) return accepted
    const hidden = config.hidden
    if (hidden !== undefined && !takeHidden(limits, hidden, webhook.channel.id, now).accepted) {
      return accepted
    }
    accepted++
  }
  return accepted
}

export const limitShared = (
  world: World,
  now: number,
  webhookId: string,
  options: { readonly retryAfter: Duration.DurationInput; readonly code?: number | undefined },
): void => {
  const limit: SharedLimit = {
    until: now + Duration.toMillis(options.retryAfter),
    code: options.code,
  }
  world.limits.shared.set(webhookId, limit)
}

/** Every bucket gets another hash; its slots stay as they are. */
export const rotateHashes = (world: World): void => world.limits.hashes.clear()

export interface ThreadChanges {
  readonly name?: string | undefined
  readonly archived?: boolean | undefined
  readonly locked?: boolean | undefined
}

export interface NewThread extends ThreadChanges {
  readonly appliedTags?: ReadonlyArray<string> | undefined
}

/** Someone with all permissions makes a thread, whatever it is to be. */
export const createThread = (
  world: World,
  now: number,
  { channel }: Webhook,
  { name = "thread", appliedTags = [], archived = false, locked = false }: NewThread,
): Thread => {
  const thread = addThread(channel, { id: newId(world, now), name, appliedTags })
  thread.archived = archived
  thread.locked = locked
  return thread
}

export const updateThread = (webhook: Webhook, threadId: string, changes: ThreadChanges): void => {
  const thread = existingThread(webhook, threadId)
  thread.name = changes.name ?? thread.name
  thread.archived = changes.archived ?? thread.archived
  thread.locked = changes.locked ?? thread.locked
}

/** With a thread go its messages, whichever webhook of the channel sent them. */
export const deleteThread = (world: World, { channel }: Webhook, threadId: string): void => {
  channel.threads.delete(threadId)
  for (const webhook of world.webhooks.values()) {
    for (const message of webhook.messages.values()) {
      if (message.threadId === threadId) forgetMessage(world, webhook, message)
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
  if (changes.slowmode !== undefined) channel.slowmode = Duration.toMillis(changes.slowmode)
}

function existingThread({ channel }: Webhook, threadId: string): Thread {
  const thread = channel.threads.get(threadId)
  if (thread === undefined) throw new RangeError(`the simulator has no thread ${threadId}`)
  return thread
}
