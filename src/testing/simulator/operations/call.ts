/** An accepted request of an operation, and the checks that several operations share. */
import { boolean, isAbsent, snowflake } from "../forms/check.js"
import { apiError, invalidForm } from "../http/errors.js"
import type { ApiErrorCode, Issue } from "../http/errors.js"
import type { FilePart, JsonObject, SimulatedRequest, SimulatedResponse } from "../http/exchange.js"
import { rateLimitedResponse, slowmodeResponse, takeHiddenSlot } from "../limits.js"
import { addThread, countActiveThreads, isForum } from "../state.js"
import type { Channel, State, Thread, Webhook } from "../state.js"

/** An accepted request: the webhook exists, the token is valid, the body is parsed. */
export interface Call {
  readonly state: State
  readonly now: number
  readonly webhook: Webhook
  readonly messageId: string
  readonly query: Readonly<Record<string, string>>
  readonly body: JsonObject
  readonly headers: SimulatedRequest["headers"]
  /** The files of a multipart body. */
  readonly files: ReadonlyArray<FilePart>
}

/** Removes what Discord ignores: the components of a webhook of no application, unless `with_components` is set. */
export const removeIgnoredComponents = (call: Call, withComponents: boolean): Call["body"] => {
  const isHonoured = withComponents || call.webhook.applicationId !== null
  if (isHonoured || !("components" in call.body)) return call.body
  const { components: _, ...rest } = call.body
  return rest
}

/** The parsed query of an operation, or the response that rejects it. */
export type QueryResult =
  | {
      readonly _tag: "Query"
      readonly wait: boolean
      readonly withComponents: boolean
      readonly threadId: string | undefined
    }
  | { readonly _tag: "Rejected"; readonly response: SimulatedResponse }

/** Parses a query. Booleans are `True|true|1` and `False|false|0`. */
export const parseQuery = (query: Readonly<Record<string, string>>): QueryResult => {
  const issues: Array<Issue> = []
  const flag = (name: string): boolean => {
    const value = query[name]
    if (value === "true" || value === "True" || value === "1") return true
    if (value !== undefined && value !== "false" && value !== "False" && value !== "0") {
      boolean(value, [name], issues)
    }
    return false
  }
  const wait = flag("wait")
  const withComponents = flag("with_components")
  const threadId = query["thread_id"]
  if (threadId !== undefined) snowflake(threadId, ["thread_id"], issues)
  if (issues.length > 0) return { _tag: "Rejected", response: invalidForm(issues) }
  return {
    _tag: "Query",
    wait,
    withComponents,
    threadId,
  }
}

/** The destination of a message: the channel, an existing thread, or a new one. */
export type Destination =
  | { readonly _tag: "Channel" }
  | { readonly _tag: "Thread"; readonly thread: Thread }
  | {
      readonly _tag: "NewThread"
      readonly name: string
      readonly appliedTags: ReadonlyArray<string>
    }

type DestinationResult =
  | Destination
  | { readonly _tag: "Rejected"; readonly response: SimulatedResponse }

/** Checks the permissions of a webhook in its channel. Without access it cannot read either. */
export const checkAccess = (
  { permission }: Channel,
  isWriting: boolean,
): SimulatedResponse | undefined => {
  if (permission === "missingAccess") return apiError(50001)
  return permission === "missingPermissions" && isWriting ? apiError(50013) : undefined
}

/** Checks content and thread name against the blocked words of AutoMod. */
export const checkBlockedWords = (
  { state }: Call,
  { content }: JsonObject,
  destination?: Destination,
): SimulatedResponse | undefined => {
  const words = state.config.blockedWords
  if (destination?._tag === "NewThread" && containsAny(destination.name, words))
    return apiError(200001)
  return typeof content === "string" && containsAny(content, words) ? apiError(200000) : undefined
}

/** Checks slowmode and the hidden limit (of a channel, in no header), after all other checks have passed. */
export const checkMessageLimits = (
  call: Call,
  destination: Destination,
): SimulatedResponse | undefined => {
  const { state, webhook, now } = call
  const { channel } = webhook
  const id = getSlowmodeKey(channel, destination)
  const wait =
    (channel.lastSentAt.get(`${webhook.id} ${id}`) ?? -Infinity) + channel.slowmodeMillis - now
  if (id !== undefined && wait > 0) return slowmodeResponse(wait)
  const rule = state.config.hidden
  if (rule === undefined) return undefined
  const slot = takeHiddenSlot(state.limits, rule, channel.id, now)
  if (slot.accepted) return undefined
  state.traffic.statistics.limitedByHidden++
  return rateLimitedResponse(rule.scope, slot.retryAfter)
}

/** Records the time of a message for slowmode. */
export const recordSent = ({ webhook, now }: Call, threadId: string | undefined): void => {
  const { channel } = webhook
  if (channel.slowmodeMillis > 0)
    channel.lastSentAt.set(`${webhook.id} ${threadId ?? channel.id}`, now)
}

function containsAny(text: string, words: ReadonlyArray<string>): boolean {
  const lower = text.toLowerCase()
  return words.some((word) => lower.includes(word.toLowerCase()))
}

/** Resolves `thread_name` and `thread_id` to a destination, or to the error of Discord. */
export function findDestination(
  call: Call,
  body: JsonObject,
  threadId: string | undefined,
): DestinationResult {
  const { channel } = call.webhook
  const name = isAbsent(body["thread_name"]) ? undefined : String(body["thread_name"]).trim()
  const inForum = isForum(channel)
  if (!inForum && name !== undefined) return rejectDestination(220003)
  if (inForum && name === undefined && threadId === undefined) return rejectDestination(220001)
  if (name !== undefined && threadId !== undefined) return rejectDestination(220002)
  if (name !== undefined) return planThread(call, body, name)
  if (threadId === undefined) return { _tag: "Channel" }
  // A forum's own id is not a thread.
  if (inForum && threadId === channel.id) return rejectDestination(40058)
  return findThread(call.state, channel, threadId)
}

/** Adds a new thread under this id, or unarchives an existing one. */
export function openDestination(
  channel: Channel,
  destination: Destination,
  id: string,
): Thread | undefined {
  if (destination._tag === "Channel") return undefined
  if (destination._tag === "NewThread") return addThread(channel, { ...destination, id })
  destination.thread.archived = false
  return destination.thread
}

/** The key of a destination for slowmode; `undefined` for a new thread, which has no messages. */
function getSlowmodeKey(channel: Channel, destination: Destination): string | undefined {
  if (destination._tag === "NewThread") return undefined
  return destination._tag === "Thread" ? destination.thread.id : channel.id
}

function planThread({ webhook, state }: Call, body: JsonObject, name: string): DestinationResult {
  const { tags, requiresTag } = webhook.channel
  const appliedTags = Array.isArray(body["applied_tags"]) ? body["applied_tags"].map(String) : []
  if (requiresTag && tags.length === 0) return rejectDestination(40066)
  if (requiresTag && appliedTags.length === 0) return rejectDestination(40067)
  if (appliedTags.some((tag) => !tags.includes(tag))) return rejectDestination(10087)
  if (hasMaxActiveThreads(state, false)) return rejectDestination(160006)
  return { _tag: "NewThread", name, appliedTags }
}

/**
 * Finds an existing thread. Sending unarchives it, so it counts towards the maximum of active
 * threads.
 */
function findThread(state: State, channel: Channel, threadId: string): DestinationResult {
  const thread = channel.threads.get(threadId)
  if (thread === undefined) return rejectDestination(10003)
  if (thread.locked) return rejectDestination(160005)
  const isAnnouncement = channel.kind === "announcement"
  if (thread.archived && hasMaxActiveThreads(state, isAnnouncement)) {
    return rejectDestination(isAnnouncement ? 160007 : 160006)
  }
  return { _tag: "Thread", thread }
}

function hasMaxActiveThreads(state: State, ofAnnouncements: boolean): boolean {
  return countActiveThreads(state, ofAnnouncements) >= state.config.maxActiveThreads
}

function rejectDestination(code: ApiErrorCode): DestinationResult {
  return { _tag: "Rejected", response: apiError(code) }
}
