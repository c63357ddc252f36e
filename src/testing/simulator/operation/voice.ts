import type { Entry } from "../file/attachmentList.js"
import { isAbsent } from "../form/check.js"
import { apiError } from "../http/apiError.js"
import type { SimulatedResponse } from "../http/exchange.js"
import { isVoiceMessage } from "../message/messageFlags.js"

/** Voice messages have one audio file, with duration and waveform, and nothing else. */
export const refuseVoice = (
  body: Readonly<Record<string, unknown>>,
  entries: ReadonlyArray<Entry>,
): SimulatedResponse | undefined => {
  if (!isVoiceMessage(body["flags"])) return undefined
  const hasMore = ["content", "embeds", "components", "poll"].some((part) => !isAbsent(body[part]))
  if (hasMore) return apiError(50159)
  const [entry] = entries
  if (entry?._tag !== "New" || entries.length > 1) return apiError(50160)
  const { described, file } = entry.upload
  if (!file.contentType.toLowerCase().startsWith("audio/")) return apiError(50160)
  const hasMetadata =
    typeof described["duration_secs"] === "number" && typeof described["waveform"] === "string"
  return hasMetadata ? undefined : apiError(50161)
}
