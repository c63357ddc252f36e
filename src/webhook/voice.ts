/**
 * Voice messages: one file of sound, and nothing else.
 *
 * Discord: Voice Messages; JSON errors 50159 to 50161.
 */
import { isPresent } from "../model/composition.js"
import type { Issue } from "../model/Issue.js"
import { Flag, has, toNumber } from "../model/MessageFlags.js"
import type { FileUpload } from "../rest/upload/file.js"

/** What a voice message cannot have. */
const parts = ["content", "embeds", "components", "poll"] as const

type Message = {
  readonly [part in (typeof parts)[number]]?: unknown
} & { readonly flags?: number | ReadonlyArray<keyof typeof Flag> | null | undefined }

/** What is wrong with a valid message as a voice message, if it is one. */
export function voiceIssues(
  message: Message,
  files: ReadonlyArray<FileUpload>,
): ReadonlyArray<Issue> {
  if (!has(toNumber(message.flags ?? 0), Flag.IsVoiceMessage)) return []
  const [file] = files
  if (file === undefined || files.length > 1) {
    return [{ path: "files", message: `a voice message has one audio file, got ${files.length}` }]
  }
  return [...partIssues(message), ...soundIssues(file)]
}

function partIssues(message: Message): ReadonlyArray<Issue> {
  return parts
    .filter((part) => isPresent(message[part]))
    .map((path) => ({ path, message: "cannot go with a voice message: send it on its own" }))
}

function soundIssues({ contentType, durationSecs, waveform }: FileUpload): ReadonlyArray<Issue> {
  const issues: Array<Issue> = []
  const add = (field: string, message: string) =>
    issues.push({ path: `files[0].${field}`, message })
  if (!/^audio\//i.test(contentType)) {
    add("contentType", `a voice message has an audio file, got ${contentType}`)
  }
  if (durationSecs === undefined) add("durationSecs", "a voice message needs it, in seconds")
  if (waveform === undefined) add("waveform", "a voice message needs it: see FileUpload.waveform")
  return issues
}
