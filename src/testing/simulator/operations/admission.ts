import { apiError, type ApiErrorCode } from "../http/errors.js"
import type { SimulatedResponse } from "../http/exchange.js"
import { takeHidden, limited, slowedDown } from "../limits.js"
import {
  type Channel,
  activeThreads,
  addThread,
  isForum,
  type Thread,
  type World,
} from "../state.js"
import type { Call } from "./call.js"
import { isAbsent } from "../forms/check.js"

type Fields = Readonly<Record<string, unknown>>

/** Where a message goes: the channel, a thread that exists, or one that it opens. */
export type Place =
  | { readonly _tag: "Channel" }
  | { readonly _tag: "Thread"; readonly thread: Thread }
  | {
      readonly _tag: "NewThread"
      readonly name: string
      readonly appliedTags: ReadonlyArray<string>
    }

type Search = Place | { readonly _tag: "Refused"; readonly response: SimulatedResponse }

/** What the webhook may do in its channel; who cannot see it cannot read either. */
export const refuseAccess = (
  { permission }: Channel,
  isWriting: boolean,
): SimulatedResponse | undefined => {
  if (permission === "missingAccess") return apiError(50001)
  return permission === "missingPermissions" && isWriting ? apiError(50013) : undefined
}

/** The rules of the server that look into a message: words it does not want to read. */
export const refuseWords = (
  { world }: Call,
  { content }: Readonly<Record<string, unknown>>,
  place?: Place,
): SimulatedResponse | undefined => {
  const words = world.config.blockedWords
  if (place?._tag === "NewThread" && containsAny(place.name, words)) return apiError(200001)
  return typeof content === "string" && containsAny(content, words) ? apiError(200000) : undefined
}

/**
 * The limits on messages, asked when nothing else is against one: slowmode, and the limit of a
 * channel that no header shows.
 */
export const refuseHaste = (call: Call, place: Place): SimulatedResponse | undefined => {
  const { world, webhook, now } = call
  const { channel } = webhook
  const id = placeId(channel, place)
  const wait = (channel.lastSent.get(`${webhook.id} ${id}`) ?? -Infinity) + channel.slowmode - now
  if (id !== undefined && wait > 0) return slowedDown(wait)
  const rule = world.config.hidden
  if (rule === undefined) return undefined
  const reading = takeHidden(world.limits, rule, channel.id, now)
  if (reading.accepted) return undefined
  world.traffic.statistics.limitedByHidden++
  return limited(rule.scope, reading.retryAfter)
}

/** A message was sent: slowmode counts from now. */
export const noteSent = ({ webhook, now }: Call, threadId: string | undefined): void => {
  const { channel } = webhook
  if (channel.slowmode > 0) channel.lastSent.set(`${webhook.id} ${threadId ?? channel.id}`, now)
}

function containsAny(text: string, words: ReadonlyArray<string>): boolean {
  const lower = text.toLowerCase()
  return words.some((word) => lower.includes(word.toLowerCase()))
}

/** Resolves `thread_name` and `thread_id` to a place, or to the error of Discord. */
export function findPlace(call: Call, body: Fields, threadId: string | undefined): Search {
  const { channel } = call.webhook
  const name = isAbsent(body["thread_name"]) ? undefined : String(body["thread_name"]).trim()
  const inForum = isForum(channel)
  if (!inForum && name !== undefined) return refused(220003)
  if (inForum && name === undefined && threadId === undefined) return refused(220001)
  if (name !== undefined && threadId !== undefined) return refused(220002)
  if (name !== undefined) return newThread(call, body, name)
  if (threadId === undefined) return { _tag: "Channel" }
  // The forum itself is no thread of it.
  if (inForum && threadId === channel.id) return refused(40058)
  return existingThread(call.world, channel, threadId)
}

/** Adds a new thread under this id, or unarchives an existing one. */
export function openPlace(channel: Channel, place: Place, id: string): Thread | undefined {
  if (place._tag === "Channel") return undefined
  if (place._tag === "NewThread") return addThread(channel, { ...place, id })
  place.thread.archived = false
  return place.thread
}

/** The key of a place for slowmode; `undefined` for a new thread, which has no messages. */
function placeId(channel: Channel, place: Place): string | undefined {
  if (place._tag === "NewThread") return undefined
  return place._tag === "Thread" ? place.thread.id : channel.id
}

function newThread({ webhook, world }: Call, body: Fields, name: string): Search {
  const { tags, requiresTag } = webhook.channel
  const appliedTags = Array.isArray(body["applied_tags"]) ? body["applied_tags"].map(String) : []
  if (requiresTag && tags.length === 0) return refused(40066)
  if (requiresTag && appliedTags.length === 0) return refused(40067)
  if (appliedTags.some((tag) => !tags.includes(tag))) return refused(10087)
  if (isFull(world, false)) return refused(160006)
  return { _tag: "NewThread", name, appliedTags }
}

/** Sending unarchives a thread, so that there must be room for one more that is active. */
function existingThread(world: World, channel: Channel, threadId: string): Search {
  const thread = channel.threads.get(threadId)
  if (thread === undefined) return refused(10003)
  if (thread.locked) return refused(160005)
  const isAnnouncement = channel.kind === "announcement"
  if (thread.archived && isFull(world, isAnnouncement)) {
    return refused(isAnnouncement ? 160007 : 160006)
  }
  return { _tag: "Thread", thread }
}

function isFull(world: World, ofAnnouncements: boolean): boolean {
  return activeThreads(world, ofAnnouncements) >= world.config.activeThreads
}

function refused(code: ApiErrorCode): Search {
  return { _tag: "Refused", response: apiError(code) }
}
