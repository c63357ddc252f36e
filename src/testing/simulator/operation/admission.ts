import { apiError } from "../http/apiError.js"
import type { SimulatedResponse } from "../http/exchange.js"
import { takeHidden } from "../limit/limits.js"
import { limited, slowedDown } from "../limit/rateLimitAnswer.js"
import type { Channel } from "../world.js"
import type { Call } from "./call.js"
import { type Place, placeId } from "./place.js"

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
