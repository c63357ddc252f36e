import { isAbsent } from "../form/check.js"
import { type ApiErrorCode, apiError } from "../http/apiError.js"
import type { SimulatedResponse } from "../http/exchange.js"
import { activeThreads, addThread, type Channel, type Thread, type World } from "../world.js"
import type { Call } from "./call.js"

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

/** Finds the place that a body and a `thread_id` name, or the answer of Discord that there is none. */
export const findPlace = (call: Call, body: Fields, threadId: string | undefined): Search => {
  const { channel } = call.webhook
  const name = isAbsent(body["thread_name"]) ? undefined : String(body["thread_name"]).trim()
  const isForum = channel.kind !== "text"
  if (!isForum && name !== undefined) return refused(220003)
  if (isForum && name === undefined && threadId === undefined) return refused(220001)
  if (name !== undefined && threadId !== undefined) return refused(220002)
  if (name !== undefined) return newThread(call, body, name)
  if (threadId === undefined) return { _tag: "Channel" }
  // The forum itself is no thread of it.
  if (isForum && threadId === channel.id) return refused(40058)
  return existingThread(call.world, channel, threadId)
}

/** Opens the place: a new thread is added under this id, and one that slept is active again. */
export const openPlace = (channel: Channel, place: Place, id: string): Thread | undefined => {
  if (place._tag === "Channel") return undefined
  if (place._tag === "NewThread") return addThread(channel, { ...place, id })
  place.thread.archived = false
  return place.thread
}

/** The id of the place as slowmode counts it: a new thread has not been written in. */
export const placeId = (channel: Channel, place: Place): string | undefined => {
  if (place._tag === "NewThread") return undefined
  return place._tag === "Thread" ? place.thread.id : channel.id
}

function newThread({ webhook, world }: Call, body: Fields, name: string): Search {
  const { tags, requiresTag } = webhook.channel
  const appliedTags = Array.isArray(body["applied_tags"]) ? body["applied_tags"].map(String) : []
  if (requiresTag && tags.length === 0) return refused(40066)
  if (requiresTag && appliedTags.length === 0) return refused(40067)
  if (appliedTags.some((tag) => !tags.includes(tag))) return refused(10087)
  if (isFull(world)) return refused(160006)
  return { _tag: "NewThread", name, appliedTags }
}

/** Sending unarchives a thread, so that there must be room for one more that is active. */
function existingThread(world: World, channel: Channel, threadId: string): Search {
  const thread = channel.threads.get(threadId)
  if (thread === undefined) return refused(10003)
  if (thread.locked) return refused(160005)
  if (thread.archived && isFull(world)) return refused(160006)
  return { _tag: "Thread", thread }
}

function isFull(world: World): boolean {
  return activeThreads(world) >= world.config.activeThreads
}

function refused(code: ApiErrorCode): Search {
  return { _tag: "Refused", response: apiError(code) }
}
