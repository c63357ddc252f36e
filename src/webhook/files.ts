/**
 * The files of a message stand in it for whoever writes it, and beside it on the wire. What is said
 * about them is one list, `attachments`; of an edit it is the whole list, files that stay included.
 *
 * Discord: Uploading Files; Edit Webhook Message.
 */
import * as DateTime from "effect/DateTime"
import * as Function from "effect/Function"
import * as Predicate from "effect/Predicate"
import type { AttachmentCreate } from "../model/Attachment.js"
import { isPresent } from "../model/composition.js"
import { findUrls } from "../model/fileReferences.js"
import type { FollowUpCreate } from "../model/FollowUpCreate.js"
import * as Issue from "../model/Issue.js"
import * as Message from "../model/Message.js"
import type { MessageCreate } from "../model/MessageCreate.js"
import type { MessageEdit } from "../model/MessageEdit.js"
import { Flag, has, toNumber } from "../model/MessageFlags.js"
import { FileUpload } from "../rest/upload/file.js"
import { cleanFileName } from "../rest/upload/fileName.js"
import { isMediaType } from "../rest/upload/multipart.js"
import { makeFileIssue, makeFilesIssue } from "./misuse.js"

/**
 * A message to send, with its files.
 *
 * @since 0.1.0
 * @category models
 */
export interface MessageInput extends MessageCreate {
  /**
   * At most 10; see `FileUpload` for how to make them and `UploadLimits` for how large they may be.
   * Descriptions and titles belong to the files, so `attachments` is left out.
   */
  readonly files?: ReadonlyArray<FileUpload> | undefined
}

/**
 * A follow-up of an interaction, with its files.
 *
 * @since 0.1.0
 * @category models
 */
export interface FollowUpInput extends FollowUpCreate {
  /** As for the message of a webhook. */
  readonly files?: ReadonlyArray<FileUpload> | undefined
}

/**
 * A file that is on the message already, and stays: an attachment of the message as Discord
 * answered with it, or its id. A `description` or `isSpoiler` replaces the one it has.
 *
 * @since 0.1.0
 * @category models
 */
export interface KeptFile {
  readonly id: string
  /** Only to check that `attachment://` names a file of the message. */
  readonly filename?: string | undefined
  readonly description?: string | undefined
  readonly isSpoiler?: boolean | undefined
}

/**
 * A change of a message, and of its files.
 *
 * @since 0.1.0
 * @category models
 */
export interface EditInput extends MessageEdit {
  /**
   * All files that the message is to have, in their order: attachments that stay, and new files.
   * What is not in it is removed; left out, all stay as they are.
   */
  readonly files?: ReadonlyArray<FileUpload | KeptFile> | undefined
}

/** A message, and what went out of it. */
export interface SplitFiles<M> {
  /** What the Schema knows. */
  readonly message: M
  /** New ones. */
  readonly files: ReadonlyArray<FileUpload>
  /** How many stay on the message. */
  readonly kept: number
  /** Of all files, those that stay included; `undefined` if not all are known. */
  readonly names: ReadonlyArray<string> | undefined
  readonly issues: ReadonlyArray<Issue.Issue>
  /** Where the writer finds what the Schema calls by `path`. */
  readonly pathOf: (path: string) => string
}

interface InputWithFiles {
  readonly files?: ReadonlyArray<FileUpload | KeptFile> | undefined
  readonly attachments?: ReadonlyArray<AttachmentCreate> | null | undefined
}

const attachmentsAndFiles: Issue.Issue = {
  path: "attachments",
  message: "cannot go with files: say it where the files are made",
}

/** Of a message to send: no files are nothing to speak of. */
export function splitMessage<M extends InputWithFiles>(
  input: M & InputWithFiles,
): SplitFiles<Omit<M, "files">> {
  const message = convertReceived(input, Message.toCreate)
  const parts = split<M>(isEmptyList(message) ? { ...message, files: undefined } : message)
  return parts.names === undefined ? { ...parts, names: [] } : parts
}

/** Of an edit: no files are none that stay. Untyped code may give anything, `null` too. */
export function splitEdit<M extends InputWithFiles>(
  input: M & InputWithFiles,
): SplitFiles<Omit<M, "files">> {
  return split<M>(convertReceived(input, Message.toEdit))
}

/**
 * A whole message as Discord sent it becomes what can be sent of it, with what the program changed:
 * fields that it added, cleared, or wrote as one that is sent.
 */
function convertReceived<M>(input: M, convert: (message: Message.Message) => object): M {
  if (!Predicate.isReadonlyRecord(input) || !("channelId" in input && "author" in input))
    return input
  const { added, cleared, message } = getChanges(input)
  if (!isReceived(message)) return input
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the Schema looks at it
  return { ...convert(message), ...cleared, ...added } as M
}

const emptyMessage = { content: "", embeds: [], components: [], flags: 0, attachments: [] }

function getChanges(input: { readonly [field: string]: unknown }) {
  const changes = { added: {}, cleared: {}, message: { ...emptyMessage } }
  for (const [key, value] of Object.entries(input)) {
    const isOurs = !(key in Message.Message.fields)
    // `null` clears, `undefined` leaves out, and a list of flags is theirs by name.
    const isSaid =
      value === null || value === undefined || (key === "flags" && Array.isArray(value))
    const change = isOurs ? changes.added : isSaid ? changes.cleared : changes.message
    Object.assign(change, { [key]: value })
  }
  // Both say which files stay.
  if ("files" in changes.added) Object.assign(changes.cleared, { attachments: undefined })
  return changes
}

/** Whether a conversion finds what it reads; what those parts hold is for the Schema. */
function isReceived(message: object): message is Message.Message {
  const lists = ["embeds", "components", "attachments", "mentions", "mentionRoles"]
  return (
    lists.every((key) => Array.isArray(Reflect.get(message, key))) &&
    "timestamp" in message &&
    DateTime.isDateTime(message.timestamp)
  )
}

function split<M extends InputWithFiles>(input: M & InputWithFiles): SplitFiles<Omit<M, "files">> {
  const given: InputWithFiles | null | undefined = input
  if (!Predicate.isObject(given) || !("files" in given)) return withoutFiles(input)
  const { files: all, ...message } = input
  if (all === undefined) return withoutFiles(message)
  if (!Array.isArray(all)) return { ...withoutFiles(message), issues: [makeFilesIssue(all)] }
  const files = all.map(cleanFile)
  const issues = files.flatMap(findFileIssues)
  if (message.attachments !== undefined) issues.push(attachmentsAndFiles)
  const uploads = files.filter(isUpload)
  return {
    message:
      issues.length > 0 ? message : { ...message, attachments: listAttachments(files, uploads) },
    files: uploads,
    kept: files.length - uploads.length,
    names: getNames(files),
    issues,
    pathOf: (path) => path.replace(/^attachments(?=\[|$)/, "files"),
  }
}

function isEmptyList(input: InputWithFiles): boolean {
  const given: InputWithFiles | null | undefined = input
  return Array.isArray(given?.files) && given.files.length === 0
}

function withoutFiles<M>(message: M): SplitFiles<M> {
  return { message, files: [], kept: 0, names: undefined, issues: [], pathOf: Function.identity }
}

function getNames(files: ReadonlyArray<FileUpload | KeptFile>): ReadonlyArray<string> | undefined {
  const names = files.flatMap((file) => (isUpload(file) ? file.name : file.filename) ?? [])
  return names.length === files.length ? names : undefined
}

/** New files are called by their number among the new ones: the `n` of `files[n]`. */
function listAttachments(
  files: ReadonlyArray<FileUpload | KeptFile>,
  uploads: ReadonlyArray<FileUpload>,
): ReadonlyArray<AttachmentCreate> {
  return files.map((file): AttachmentCreate => {
    const { description, isSpoiler } = file
    if (!isUpload(file)) return { id: file.id, description, isSpoiler }
    const { durationSecs, name, title, waveform } = file
    const about = { title, description, isSpoiler, durationSecs, waveform }
    return { id: uploads.indexOf(file), filename: name, ...about }
  })
}

function isUpload(file: unknown): file is FileUpload {
  return Predicate.isTagged(file, "FileUpload")
}

/** `{ ...file, name }` is a file as well, with a name that no constructor has seen. */
function cleanFile(file: FileUpload | KeptFile): FileUpload | KeptFile {
  if (!isUpload(file) || typeof file.name !== "string") return file
  const name = cleanFileName(file.name)
  return name === file.name ? file : new FileUpload(Object.assign({}, file, { name }))
}

function findFileIssues(file: unknown, index: number): ReadonlyArray<Issue.Issue> {
  const path = `files[${index}]`
  if (isUpload(file)) {
    if (typeof file.name !== "string") {
      return [{ path: `${path}.name`, message: "must be a string" }]
    }
    return isMediaType(file.contentType)
      ? []
      : [{ path: `${path}.contentType`, message: "must be a media type such as image/png" }]
  }
  return Predicate.hasProperty(file, "id") ? [] : [makeFileIssue(path, file)]
}

/** What a voice message cannot have. */
const excludedFields = ["content", "embeds", "components", "poll"] as const

type VoiceMessage = {
  readonly [part in (typeof excludedFields)[number]]?: unknown
} & { readonly flags?: number | ReadonlyArray<keyof typeof Flag> | null | undefined }

/** What is wrong with a valid message as a voice message, if it is one. */
export function findVoiceIssues(
  message: VoiceMessage,
  files: ReadonlyArray<FileUpload>,
): ReadonlyArray<Issue.Issue> {
  if (!has(toNumber(message.flags ?? 0), Flag.IsVoiceMessage)) return []
  const [file] = files
  if (file === undefined || files.length > 1) {
    return [{ path: "files", message: `a voice message has one audio file, got ${files.length}` }]
  }
  return [...findFieldIssues(message), ...findSoundIssues(file)]
}

function findFieldIssues(message: VoiceMessage): ReadonlyArray<Issue.Issue> {
  return excludedFields
    .filter((part) => isPresent(message[part]))
    .map((path) => ({ path, message: "cannot go with a voice message: send it on its own" }))
}

function findSoundIssues({
  contentType,
  durationSecs,
  waveform,
}: FileUpload): ReadonlyArray<Issue.Issue> {
  const issues: Array<Issue.Issue> = []
  const add = (field: string, message: string) =>
    issues.push({ path: `files[0].${field}`, message })
  if (!/^audio\//i.test(contentType)) {
    add("contentType", `a voice message has an audio file, got ${contentType}`)
  }
  if (durationSecs === undefined) add("durationSecs", "a voice message needs it, in seconds")
  if (waveform === undefined) add("waveform", "a voice message needs it: see FileUpload.waveform")
  return issues
}

const scheme = /^attachment:\/\//i

/** The parts of a message that may refer to its files. */
interface MessageWithReferences {
  readonly embeds?: unknown
  readonly components?: unknown
}

/**
 * The references of a valid message to files that it does not have. `names` are those of all its
 * files; `undefined` if not all are known.
 */
export function findMissingFiles(
  { components, embeds }: MessageWithReferences,
  names: ReadonlyArray<string> | undefined,
): ReadonlyArray<Issue.Issue> {
  if (names === undefined || (embeds === undefined && components === undefined)) return []
  const known = new Set(names.flatMap((name) => [name, toDiscordName(name)]))
  return [...findUrls(embeds, ["embeds"]), ...findUrls(components, ["components"])]
    .filter(({ url }) => scheme.test(url) && !known.has(url.replace(scheme, "")))
    .map(({ path, url }) => ({
      path: Issue.formatPath(path),
      message: formatMissingFile(url, names),
    }))
}

/** Beyond ASCII, a name may be kept or replaced (discord-api-docs#6945, #7890). */
function toDiscordName(name: string): string {
  return name.replaceAll(/\P{ASCII}/gu, "_").replace(/^[._]+/, "")
}

function formatMissingFile(reference: string, names: ReadonlyArray<string>): string {
  const files = names.length === 0 ? "it has none" : `they are ${names.join(", ")}`
  return `${reference} names no file of the message (${files}): use FileUpload.attachmentUrl(file)`
}
