/** Which messages become one: those that are embeds and nothing else, and are shown alike. */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { EmbedsCreate } from "../model/Embed.js"
import type { EmbedCreate } from "../model/Embed.js"
import { lazy } from "../model/lazy.js"
import type { MessageInput } from "./files.js"

/** Discord: Execute Webhook. */
const mostEmbeds = 10

/** What may stand beside embeds that are put together; it must be the same. */
const shown: ReadonlySet<string> = new Set([
  "username",
  "avatarUrl",
  "allowedMentions",
  "flags",
  "tts",
])

/** Each within its limits, at most ten, and 6000 code points over all. */
const isWithinLimits = lazy(() => Schema.is(EmbedsCreate))

/** Whether no other message would go with the first of these. Cheap, and so does not see everything. */
export function isFull(messages: ReadonlyArray<MessageInput>): boolean {
  // Each has an embed at least; and one that goes with none ends what came before.
  const ends = [messages.at(0), messages.at(-1)]
  return messages.length >= mostEmbeds || !ends.every(isOnlyEmbeds)
}

/** How many of the first go together. */
export function together(messages: ReadonlyArray<MessageInput>): number {
  const [first] = messages
  if (first === undefined || !isOnlyEmbeds(first)) return 1
  const look = lookOf(first)
  let embeds = embedsOf(first)
  let count = 1
  for (const message of messages.slice(1, mostEmbeds)) {
    if (!isOnlyEmbeds(message) || lookOf(message) !== look) break
    embeds = embeds.concat(embedsOf(message))
    if (!isWithinLimits()(embeds) || hasTwins(embeds)) break
    count += 1
  }
  return count
}

/** One message of those that `together` has counted. */
export function gathered(messages: ReadonlyArray<MessageInput>): MessageInput {
  const [first, ...others] = messages
  return others.length === 0 ? { ...first } : { ...first, embeds: messages.flatMap(embedsOf) }
}

/** Untyped code may send anything. */
function isOnlyEmbeds(message: unknown): boolean {
  return (
    Predicate.isRecord(message) &&
    Array.isArray(message["embeds"]) &&
    message["embeds"].length > 0 &&
    Object.entries(message).every(
      ([key, value]) => value === undefined || key === "embeds" || shown.has(key),
    )
  )
}

function embedsOf(message: MessageInput): ReadonlyArray<EmbedCreate> {
  return message.embeds ?? []
}

function lookOf({ allowedMentions, avatarUrl, flags, tts, username }: MessageInput): string {
  return JSON.stringify([username, avatarUrl, allowedMentions, flags, tts])
}

/** Of the embeds of one message that share a URL, Discord shows the first. */
function hasTwins(embeds: ReadonlyArray<EmbedCreate>): boolean {
  const urls = embeds.flatMap(({ url }) => url ?? [])
  return new Set(urls).size < urls.length
}
