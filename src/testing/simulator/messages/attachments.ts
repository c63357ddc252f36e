import {
  type JsonObject,
  type FilePart,
  isJsonObject,
  scalarText,
  type SimulatedResponse,
} from "../http/exchange.js"
import { randomHash, toUnixSeconds } from "../generate.js"
import { type Attachment, generateId, getServerTime, type State, storeFile } from "../state.js"
import { type ApiErrorCode, apiError } from "../http/errors.js"

const spoilerFlag = 8

const pngSignature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
const gifSignature = [0x47, 0x49, 0x46, 0x38]

/** An existing attachment that is kept, or an upload. */
export type AttachmentEntry =
  | { readonly _tag: "Kept"; readonly attachment: Attachment }
  | { readonly _tag: "New"; readonly upload: Upload }

/** The attachments of a message in order, or the response that rejects them. */
export type AttachmentList =
  | { readonly _tag: "List"; readonly entries: ReadonlyArray<AttachmentEntry> }
  | { readonly _tag: "Rejected"; readonly response: SimulatedResponse }

const maxAttachments = 10

/** An uploaded file with its final name and its metadata. */
export interface Upload {
  readonly file: FilePart
  readonly filename: string
  readonly described: JsonObject
}

/** The upload of a file. `described` is its item in `attachments`, if it has one. */
function makeUpload(file: FilePart, described: JsonObject = {}): Upload {
  const wanted = described["filename"]
  const filename = cleanFilename(typeof wanted === "string" ? wanted : file.filename)
  return { file, filename, described }
}

/** Makes an attachment of an upload, and stores its bytes. */
export const addAttachment = (
  state: State,
  now: number,
  channelId: string,
  { file, filename, described }: Upload,
): Attachment => {
  const id = generateId(state, now)
  const { bytes, contentType } = file
  storeFile(state.files, id, { filename, contentType, bytes }, state.config.maxStoredFileBytes)
  const path = `/attachments/${channelId}/${id}/${filename}?${signPath(state, now)}`
  const title = described["title"] ?? makeTitle(file.filename)
  return {
    id,
    filename,
    size: bytes.length,
    url: state.cdn.origin + path,
    proxy_url: state.cdn.proxyOrigin + path,
    content_type: contentType,
    ...readImageSize(bytes),
    ...(isNonEmptyText(title) ? { title } : {}),
    ...renderAltText(described),
    ...renderVoiceFields(described),
    ...(isSpoiler(filename, described) ? { flags: spoilerFlag } : {}),
  }
}

/** An attachment that an edit keeps. Only its description and its spoiler flag may change. */
function updateAttachment(before: Attachment, described: JsonObject): Attachment {
  const { description: oldDescription, flags: oldFlags, ...rest } = before
  const isHidden = described["is_spoiler"] ?? oldFlags === spoilerFlag
  const description = "description" in described ? described["description"] : oldDescription
  return {
    ...rest,
    ...renderAltText({ description }),
    ...(isHidden === true ? { flags: spoilerFlag } : {}),
  }
}

function isSpoiler(filename: string, described: JsonObject): boolean {
  return described["is_spoiler"] === true || filename.startsWith("SPOILER_")
}

function renderAltText({ description }: JsonObject): object {
  return isNonEmptyText(description) ? { description } : {}
}

/** The duration and waveform of a voice message. */
function renderVoiceFields({ duration_secs: duration, waveform }: JsonObject): object {
  return {
    ...(typeof duration === "number" ? { duration_secs: duration } : {}),
    ...(isNonEmptyText(waveform) ? { waveform } : {}),
  }
}

/** The signature of a URL, valid for a day on Discord. The simulator does not check it. */
function signPath(state: State, now: number): string {
  const issued = toUnixSeconds(getServerTime(state, now))
  const expires = issued + 86_400
  const hash = randomHash(state.random) + randomHash(state.random)
  return `ex=${expires.toString(16)}&is=${issued.toString(16)}&hm=${hash}&`
}

function isNonEmptyText(value: unknown): value is string {
  return typeof value === "string" && value !== ""
}

/**
 * The name that Discord gives a file, as reported of its `secure_filename`: white space and characters
 * beyond ASCII become `_`, other special characters are removed, and leading `_` and `.` are removed.
 */
export function cleanFilename(name: string): string {
  const [stem, extension] = splitExtension(name)
  const cleanStem = cleanText(stem).replace(/^[._]+/, "")
  const cleanExtension = cleanText(extension)
  return (cleanStem === "" ? "unknown" : cleanStem) + cleanExtension
}

/** The title of a file whose name loses characters beyond ASCII: its name without the extension. */
function makeTitle(name: string): string | undefined {
  // oxlint-disable-next-line no-control-regex -- ASCII begins with control characters
  return /[^\x00-\x7f]/.test(name) ? splitExtension(name)[0] : undefined
}

/** Splits a name before its last dot; a name with only a leading dot has no extension. */
function splitExtension(name: string): readonly [stem: string, extension: string] {
  const dot = name.lastIndexOf(".")
  return dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""]
}

function cleanText(text: string): string {
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
function readImageSize(
  bytes: Uint8Array,
): { readonly width: number; readonly height: number } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (startsWith(bytes, pngSignature) && bytes.length >= 24) {
    return { width: view.getUint32(16), height: view.getUint32(20) }
  }
  if (startsWith(bytes, gifSignature) && bytes.length >= 10) {
    return { width: view.getUint16(6, true), height: view.getUint16(8, true) }
  }
  return undefined
}

/** Validates the number, sizes and names of files. */
export const validateFiles = (
  files: ReadonlyArray<FilePart>,
  maxFileBytes: number,
): SimulatedResponse | undefined => {
  const code = findFileError(files, maxFileBytes)
  return code === undefined ? undefined : apiError(code)
}

function findFileError(
  files: ReadonlyArray<FilePart>,
  maxFileBytes: number,
): ApiErrorCode | undefined {
  if (files.length > maxAttachments) return 30015
  if (files.some(({ bytes }) => bytes.length > maxFileBytes)) return 40005
  if (files.some(({ bytes }) => bytes.length === 0)) return 50046
  // Part names must be unique.
  if (new Set(files.map(({ part }) => part)).size < files.length) return 50110
  return undefined
}

/** The attachments of a new message: all its files, with the metadata in `attachments`. */
export const resolveSentAttachments = (
  files: ReadonlyArray<FilePart>,
  body: JsonObject,
): AttachmentList => {
  const items = getItems(body) ?? []
  const numbers = new Set(files.map(getFileNumber))
  if (items.some((item) => !numbers.has(getItemId(item)))) return rejectList(50146)
  return makeList(files.map((file) => makeUploadEntry(file, findItem(file, items))))
}

/**
 * The attachments after an edit. `attachments` is the complete list, including new files; if it is
 * absent, new files are added.
 */
export const resolveEditedAttachments = (
  files: ReadonlyArray<FilePart>,
  body: JsonObject,
  before: ReadonlyArray<Attachment>,
): AttachmentList => {
  const items = "attachments" in body ? (getItems(body) ?? []) : undefined
  if (items === undefined)
    return makeList([...before.map(keepAttachment), ...files.map((file) => makeUploadEntry(file))])
  const entries: Array<AttachmentEntry> = []
  for (const item of items) {
    const file = files.find((one) => getFileNumber(one) === getItemId(item))
    const old = before.find(({ id }) => id === getItemId(item))
    if (file !== undefined) entries.push(makeUploadEntry(file, item))
    else if (old !== undefined) entries.push(keepAttachment(updateAttachment(old, item)))
    else return rejectList(50146)
  }
  return makeList(entries)
}

/** The names that `attachment://` may use; `undefined` if the list was rejected. */
export const getFilenames = (list: AttachmentList): ReadonlySet<string> | undefined =>
  list._tag === "Rejected"
    ? undefined
    : new Set(
        list.entries.map((entry) =>
          entry._tag === "New" ? entry.upload.filename : entry.attachment.filename,
        ),
      )

function keepAttachment(attachment: Attachment): AttachmentEntry {
  return { _tag: "Kept", attachment }
}

function makeUploadEntry(file: FilePart, item?: JsonObject): AttachmentEntry {
  return { _tag: "New", upload: makeUpload(file, item) }
}

function makeList(entries: ReadonlyArray<AttachmentEntry>): AttachmentList {
  return entries.length > maxAttachments ? rejectList(30015) : { _tag: "List", entries }
}

function rejectList(code: ApiErrorCode): AttachmentList {
  return { _tag: "Rejected", response: apiError(code) }
}

function getItems(body: JsonObject): ReadonlyArray<JsonObject> | undefined {
  const items = body["attachments"]
  return Array.isArray(items) ? items.filter(isJsonObject) : undefined
}

function findItem(file: FilePart, items: ReadonlyArray<JsonObject>): JsonObject | undefined {
  return items.find((item) => getItemId(item) === getFileNumber(file))
}

/** The id of an item, which may be a number. */
function getItemId(item: JsonObject): string {
  return scalarText(item["id"])
}

/** The `n` of a part `files[n]`, which is the id in `attachments`. */
function getFileNumber({ part }: FilePart): string | undefined {
  return /^files\[(\d+)\]$/.exec(part)?.[1]
}
