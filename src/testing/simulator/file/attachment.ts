import type { FilePart } from "../http/exchange.js"
import { randomHash } from "../random.js"
import { calendarSeconds } from "../snowflake.js"
import { type Attachment, newId, serverClock, type World } from "../world.js"
import { cleanFilename, titleFor } from "./filename.js"
import { storeFile } from "./fileStore.js"
import { imageSize } from "./imageSize.js"

type Fields = Readonly<Record<string, unknown>>

const spoilerFlag = 8

/** A file that a request brings, under the name it will have, with what the request says of it. */
export interface Upload {
  readonly file: FilePart
  readonly filename: string
  readonly described: Fields
}

/** The upload of a file; `described` is its item in `attachments`, if it has one. */
export const makeUpload = (file: FilePart, described: Fields = {}): Upload => {
  const wanted = described["filename"]
  const filename = cleanFilename(typeof wanted === "string" ? wanted : file.filename)
  return { file, filename, described }
}

/** Makes an attachment of an upload, and keeps its bytes. */
export const addAttachment = (
  world: World,
  now: number,
  channelId: string,
  { file, filename, described }: Upload,
): Attachment => {
  const id = newId(world, now)
  const { bytes, contentType } = file
  storeFile(world.files, id, { filename, contentType, bytes }, world.config.fileHistory)
  const path = `/attachments/${channelId}/${id}/${filename}?${signature(world, now)}`
  const title = described["title"] ?? titleFor(file.filename)
  return {
    id,
    filename,
    size: bytes.length,
    url: world.cdn.origin + path,
    proxy_url: world.cdn.proxyOrigin + path,
    content_type: contentType,
    ...imageSize(bytes),
    ...(isText(title) ? { title } : {}),
    ...descriptionOf(described),
    ...voiceFields(described),
    ...(isSpoiler(filename, described) ? { flags: spoilerFlag } : {}),
  }
}

/** An attachment that an edit keeps: only its description and whether it is a spoiler may change. */
export const keptAttachment = (before: Attachment, described: Fields): Attachment => {
  const { description: oldDescription, flags: oldFlags, ...rest } = before
  const isHidden = described["is_spoiler"] ?? oldFlags === spoilerFlag
  const description = "description" in described ? described["description"] : oldDescription
  return {
    ...rest,
    ...descriptionOf({ description }),
    ...(isHidden === true ? { flags: spoilerFlag } : {}),
  }
}

function isSpoiler(filename: string, described: Fields): boolean {
  return described["is_spoiler"] === true || filename.startsWith("SPOILER_")
}

function descriptionOf({ description }: Fields): object {
  return isText(description) ? { description } : {}
}

/** What the sender says of the sound of a voice message. */
function voiceFields({ duration_secs: duration, waveform }: Fields): object {
  return {
    ...(typeof duration === "number" ? { duration_secs: duration } : {}),
    ...(isText(waveform) ? { waveform } : {}),
  }
}

/** URLs of files are signed for a day. The simulator serves them for as long as it has the bytes. */
function signature(world: World, now: number): string {
  const issued = calendarSeconds(serverClock(world, now))
  const expires = issued + 86_400
  const hash = randomHash(world.random) + randomHash(world.random)
  return `ex=${expires.toString(16)}&is=${issued.toString(16)}&hm=${hash}&`
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== ""
}
