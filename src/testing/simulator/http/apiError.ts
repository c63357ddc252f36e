import { json, type SimulatedResponse } from "./exchange.js"

/** Discord's JSON error codes that the simulated endpoints answer, with their usual HTTP status. */
const catalogue = {
  10003: [404, "Unknown Channel"],
  10008: [404, "Unknown Message"],
  10015: [404, "Unknown Webhook"],
  10087: [404, "Unknown Tag"],
  30015: [400, "Maximum number of attachments in a message reached (10)"],
  40005: [413, "Request entity too large"],
  40058: [400, "Cannot send a message in a forum channel"],
  40066: [400, "There are no tags available that can be set by non-moderators"],
  40067: [400, "A tag is required to create a forum post in this channel"],
  40333: [403, "internal network error"],
  50001: [403, "Missing Access"],
  50006: [400, "Cannot send an empty message"],
  50013: [403, "Missing Permissions"],
  50027: [401, "Invalid Webhook Token"],
  50041: [400, "Invalid API version provided"],
  50046: [400, "Invalid file uploaded"],
  50083: [400, "Thread is archived"],
  50109: [400, "The request body contains invalid JSON."],
  50110: [400, "The provided file is invalid."],
  50146: [400, "Uploaded file not found."],
  50159: [400, "Voice messages do not support additional content"],
  50160: [400, "Voice messages must have a single audio attachment"],
  50161: [400, "Voice messages must have supporting metadata"],
  50162: [400, "Voice messages cannot be edited"],
  160005: [400, "Thread is locked"],
  160006: [400, "Maximum number of active threads reached"],
  160007: [400, "Maximum number of active announcement threads reached"],
  200000: [400, "Message was blocked by automatic moderation"],
  200001: [400, "Title was blocked by automatic moderation"],
  220001: [400, "Webhooks posted to forum channels must have a thread_name or thread_id"],
  220002: [400, "Webhooks posted to forum channels cannot have both a thread_name and thread_id"],
  220003: [400, "Webhooks can only create threads in forum channels"],
  220004: [400, "Webhook services cannot be used in forum channels"],
  520003: [400, "Cannot edit a poll message"],
} as const satisfies Record<number, readonly [status: number, message: string]>

export type ApiErrorCode = keyof typeof catalogue

/** The answer for one of Discord's codes. */
export const apiError = (code: ApiErrorCode): SimulatedResponse => {
  const [status, message] = catalogue[code]
  return json(status, { message, code })
}

/** The general answer of a status: code 0 and a message that repeats the status. */
export const statusError = (status: number, message: string): SimulatedResponse =>
  json(status, { message: `${status}: ${message}`, code: 0 })
