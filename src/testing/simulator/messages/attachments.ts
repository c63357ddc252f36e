import { isRecord, type FilePart, type SimulatedResponse } from "../http/exchange.js"
import { randomHash } from "../random.js"
import { calendarSeconds } from "../snowflake.js"
import { type Attachment, newId, serverClock, type World, storeFile } from "../state.js"
import { type ApiErrorCode, apiError } from "../http/errors.js"

type Fields = Readonly<Record<string, unknown>>

const spoilerFlag = 8

const pngHead = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
const gifHead = [0x47, 0x49, 0x46, 0x38]

/** An attachment that stays, or one to be made. */
export type Entry =
  | { readonly _tag: "Kept"; readonly attachment: Attachment }
  | { readonly _tag: "New"; readonly upload: Upload }

/** What will hang on the message, in order, or the answer that refuses it. */
export type AttachmentList =
  | { readonly _tag: "List"; readonly entries: ReadonlyArray<Entry> }
  | { readonly _tag: "Refused"; readonly response: SimulatedResponse }

const maxAttachments = 10

/** A file that a request brings, under the name it will have, with what the request says of it. */
export interface Upload {
  readonly file: FilePart
  readonly filename: string
  readonly described: Fields
}

/** The upload of a file. `described` is its item in `attachments`, if it has one. */
function makeUpload(file: FilePart, described: Fields = {}): Upload {
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

/** An attachment that an edit keeps. Only its description and its spoiler flag may change. */
function keptAttachment(before: Attachment, described: Fields): Attachment {
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

/**
 * The name that Discord gives a file, as reported of its `secure_filename`: white space and characters
 * beyond ASCII become `_`, other special characters are removed, and leading `_` and `.` are removed.
 */
export function cleanFilename(name: string): string {
  const [stem, extension] = split(name)
  const cleanStem = clean(stem).replace(/^[._]+/, "")
  const cleanExtension = clean(extension)
  return (cleanStem === "" ? "unknown" : cleanStem) + cleanExtension
}

/** The title of a file whose name loses characters beyond ASCII: its name without the extension. */
function titleFor(name: string): string | undefined {
  // oxlint-disable-next-line no-control-regex -- ASCII begins with control characters
  return /[^\x00-\x7f]/.test(name) ? split(name)[0] : undefined
}

/** The extension has its dot; a name that begins with a dot has none. */
function split(name: string): readonly [stem: string, extension: string] {
  const dot = name.lastIndexOf(".")
  return dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""]
}

function clean(text: string): string {
  return (
    text
      .replace(/[/\\]/g, " ")
      .trim()
      .replace(/\s+/g, "_")
      // oxlint-disable-next-line no-control-regex -- ASCII begins with control characters
      .replace(/[^\x00-\x7f]/gu, "_")
      .replace(/[^\w.-]/g, "")
  )
}

function startsWith(bytes: Uint8Array, head: ReadonlyArray<number>): boolean {
  return head.every((byte, index) => bytes[index] === byte)
}

/** The size in pixels of a PNG or GIF, read from its header; `undefined` for other files. */
function imageSize(
  bytes: Uint8Array,
): { readonly width: number; readonly height: number } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (startsWith(bytes, pngHead) && bytes.length >= 24) {
    return { width: view.getUint32(16), height: view.getUint32(20) }
  }
  if (startsWith(bytes, gifHead) && bytes.length >= 10) {
    return { width: view.getUint16(6, true), height: view.getUint16(8, true) }
  }
  return undefined
}

/** Refuses files for themselves: their number, size and names. */
export const refuseFiles = (
  files: ReadonlyArray<FilePart>,
  maxFileBytes: number,
): SimulatedResponse | undefined => {
  const code = faultOf(files, maxFileBytes)
  return code === undefined ? undefined : apiError(code)
}

function faultOf(files: ReadonlyArray<FilePart>, maxFileBytes: number): ApiErrorCode | undefined {
  if (files.length > maxAttachments) return 30015
  if (files.some(({ bytes }) => bytes.length > maxFileBytes)) return 40005
  if (files.some(({ bytes }) => bytes.length === 0)) return 50046
  // Two files of one number could not be told apart.
  if (new Set(files.map(({ part }) => part)).size < files.length) return 50110
  return undefined
}

/** The files of a new message: all of them. `attachments` says more about some. */
export const sentAttachments = (files: ReadonlyArray<FilePart>, body: Fields): AttachmentList => {
  const items = listed(body) ?? []
  const numbers = new Set(files.map(numberOf))
  if (items.some((item) => !numbers.has(idOf(item)))) return refused(50146)
  return complete(files.map((file) => newEntry(file, itemFor(file, items))))
}

/**
 * The files of a message after an edit. `attachments` is the whole list, new files included; without
 * it new files are added to the old.
 */
export const editedAttachments = (
  files: ReadonlyArray<FilePart>,
  body: Fields,
  before: ReadonlyArray<Attachment>,
): AttachmentList => {
  const items = "attachments" in body ? (listed(body) ?? []) : undefined
  if (items === undefined)
    return complete([...before.map(kept), ...files.map((file) => newEntry(file))])
  const entries: Array<Entry> = []
  for (const item of items) {
    const file = files.find((one) => numberOf(one) === idOf(item))
    const old = before.find(({ id }) => id === idOf(item))
    if (file !== undefined) entries.push(newEntry(file, item))
    else if (old !== undefined) entries.push(kept(keptAttachment(old, item)))
    else return refused(50146)
  }
  return complete(entries)
}

/** The names that `attachment://` may use; of a list that is refused nobody asks. */
export const namesOf = (list: AttachmentList): ReadonlySet<string> | undefined =>
  list._tag === "Refused"
    ? undefined
    : new Set(
        list.entries.map((entry) =>
          entry._tag === "New" ? entry.upload.filename : entry.attachment.filename,
        ),
      )

function kept(attachment: Attachment): Entry {
  return { _tag: "Kept", attachment }
}

function newEntry(file: FilePart, item?: Fields): Entry {
  return { _tag: "New", upload: makeUpload(file, item) }
}

function complete(entries: ReadonlyArray<Entry>): AttachmentList {
  return entries.length > maxAttachments ? refused(30015) : { _tag: "List", entries }
}

function refused(code: ApiErrorCode): AttachmentList {
  return { _tag: "Refused", response: apiError(code) }
}

function listed(body: Fields): ReadonlyArray<Fields> | undefined {
  const items = body["attachments"]
  return Array.isArray(items) ? items.filter(isRecord) : undefined
}

function itemFor(file: FilePart, items: ReadonlyArray<Fields>): Fields | undefined {
  return items.find((item) => idOf(item) === numberOf(file))
}

/** Ids may come as numbers. */
function idOf(item: Fields): string {
  return String(item["id"])
}

/** The `n` of `files[n]`, by which `attachments` names it. Other parts are files without a number. */
function numberOf({ part }: FilePart): string | undefined {
  return /^files\[(\d+)\]$/.exec(part)?.[1]
}
