/**
 * Splits a message with files into its JSON and its uploads. The JSON describes all files in
 * `attachments`, including the files that an edit keeps.
 *
 * Discord: Uploading Files; Edit Webhook Message.
 */
import * as DateTime from "effect/DateTime"
import * as Function from "effect/Function"
import * as Predicate from "effect/Predicate"
import type { AttachmentCreate } from "../model/Attachment.js"
import { hasFlag, isPresent } from "../model/composition.js"
import { findUrls } from "../model/fileReferences.js"
import type { FollowUpCreate } from "../model/FollowUpCreate.js"
import * as Issue from "../model/Issue.js"
import * as Message from "../model/Message.js"
import type { MessageCreate } from "../model/MessageCreate.js"
import type { MessageEdit } from "../model/MessageEdit.js"
import { Flag } from "../model/MessageFlags.js"
import { describeWrongFile, FileUpload } from "../rest/upload/file.js"

/**
 * A message to send, with its files.
 *
 * @since 0.1.0
 * @category models
 */
export interface MessageInput extends MessageCreate {
  /**
   * At most 10; see `FileUpload` to create them and `UploadLimits` for their sizes. Descriptions
   * and titles belong to the files; omit `attachments`.
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
  /** The same as for the message of a webhook. */
  readonly files?: ReadonlyArray<FileUpload> | undefined
}

/**
 * An attachment that stays on the message: as Discord returned it, or only its id. `description`
 * and `isSpoiler` replace the current ones.
 *
 * @since 0.1.0
 * @category models
 */
export interface KeptFile {
  readonly id: string
  /** Only used to check `attachment://` references. */
  readonly filename?: string | undefined
  readonly description?: string | undefined
  readonly isSpoiler?: boolean | undefined
}

/**
 * An edit of a message and its files.
 *
 * @since 0.1.0
 * @category models
 */
export interface EditInput extends MessageEdit {
  /**
   * All files of the message after the edit, in order: attachments that stay, and new files.
   * Attachments that are not listed are removed; if omitted, all stay.
   */
  readonly files?: ReadonlyArray<FileUpload | KeptFile> | undefined
}

/** A message without its files. */
export interface SplitFiles<M> {
  /** The part that the Schema encodes. */
  readonly message: M
  /** The new files. */
  readonly files: ReadonlyArray<FileUpload>
  /** The number of attachments that stay. */
  readonly kept: number
  /** The names of all files, including those that stay; `undefined` if some are unknown. */
  readonly names: ReadonlyArray<string> | undefined
  readonly issues: ReadonlyArray<Issue.Issue>
  /** Maps a path of the Schema to the path in the input. */
  readonly pathOf: (path: string) => string
}

interface InputWithFiles {
  readonly files?: ReadonlyArray<FileUpload | KeptFile> | undefined
  readonly attachments?: ReadonlyArray<AttachmentCreate> | null | undefined
}

const attachmentsAndFiles: Issue.Issue = {
  path: "attachments",
  message: "cannot be combined with files: pass it where the files are created",
}

/** Splits a message to send. An empty list of files is ignored. */
export function splitMessage<M extends InputWithFiles>(
  input: M & InputWithFiles,
): SplitFiles<Omit<M, "files">> {
  const message = convertReceived(input, Message.toCreate)
  const parts = split<M>(isEmptyList(message) ? { ...message, files: undefined } : message)
  return { ...parts, names: parts.names ?? [] }
}

/**
 * Splits an edit. An empty list of files removes all attachments. Untyped callers may pass
 * anything, such as `null`.
 */
export function splitEdit<M extends InputWithFiles>(
  input: M & InputWithFiles,
): SplitFiles<Omit<M, "files">> {
  return split<M>(convertReceived(input, Message.toEdit))
}

/**
 * Converts a message that Discord returned to the input that sends it, with the fields that the
 * program added, cleared or replaced.
 */
function convertReceived<M>(input: M, convert: (message: Message.Message) => object): M {
  if (!Predicate.isReadonlyRecord(input) || !("channelId" in input && "author" in input))
    return input
  const { added, cleared, message } = getChanges(input)
  if (!isReceived(message)) return input
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the Schema validates it
  return { ...convert(message), ...cleared, ...added } as M
}

const emptyMessage = { content: "", embeds: [], components: [], flags: 0, attachments: [] }

function getChanges(input: { readonly [field: string]: unknown }) {
  const changes = { added: {}, cleared: {}, message: { ...emptyMessage } }
  for (const [key, value] of Object.entries(input)) {
    const isAdded = !(key in Message.Message.fields)
    // A list of flag names replaces the received number, as `null` and `undefined` do.
    const isCleared =
      value === null || value === undefined || (key === "flags" && Array.isArray(value))
    const change = isAdded ? changes.added : isCleared ? changes.cleared : changes.message
    Object.assign(change, { [key]: value })
  }
  // Otherwise `attachments`, too, would list the files that stay.
  if ("files" in changes.added) Object.assign(changes.cleared, { attachments: undefined })
  return changes
}

/** Whether the conversion finds the parts that it reads; the Schema validates their content. */
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

/** New files are referred to by their index among the new files: the `n` of `files[n]`. */
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

/** Cleans the name, because no constructor has cleaned that of `{ ...file, name }`. */
function cleanFile(file: FileUpload | KeptFile): FileUpload | KeptFile {
  if (!isUpload(file) || typeof file.name !== "string") return file
  const name = file.uploader.cleanFileName(file.name)
  return name === file.name ? file : new FileUpload(Object.assign({}, file, { name }))
}

function findFileIssues(file: unknown, index: number): ReadonlyArray<Issue.Issue> {
  const path = `files[${index}]`
  if (isUpload(file)) {
    if (typeof file.name !== "string") {
      return [{ path: `${path}.name`, message: "must be a string" }]
    }
    return file.uploader.isMediaType(file.contentType)
      ? []
      : [{ path: `${path}.contentType`, message: "must be a media type such as image/png" }]
  }
  return Predicate.hasProperty(file, "id") ? [] : [makeFileIssue(path, file)]
}

/** An argument that is not a file. */
function makeFileIssue(path: string, given: unknown): Issue.Issue {
  return { path, message: `expected a FileUpload, got ${describeWrongFile(given)}` }
}

/** An argument that is not a list of files. */
function makeFilesIssue(given: unknown): Issue.Issue {
  const advice = Predicate.isTagged(given, "FileUpload")
    ? "a single one: put it into an array"
    : describeWrongFile(given)
  return { path: "files", message: `expected an array of FileUpload, got ${advice}` }
}

/** Fields that a voice message cannot have. */
const excludedFields = ["content", "embeds", "components", "poll"] as const

type VoiceMessage = {
  readonly [part in (typeof excludedFields)[number]]?: unknown
} & { readonly flags?: number | ReadonlyArray<keyof typeof Flag> | null | undefined }

/** Returns the issues of a new voice message; none for other messages. */
export function findVoiceIssues(
  message: VoiceMessage,
  files: ReadonlyArray<FileUpload>,
): ReadonlyArray<Issue.Issue> {
  if (!hasFlag(message, Flag.IsVoiceMessage)) return []
  const [file] = files
  if (file === undefined || files.length > 1) {
    return [{ path: "files", message: `a voice message has one audio file, got ${files.length}` }]
  }
  return [...findFieldIssues(message), ...findSoundIssues(file)]
}

function findFieldIssues(message: VoiceMessage): ReadonlyArray<Issue.Issue> {
  return excludedFields
    .filter((part) => isPresent(message[part]))
    .map((path) => ({ path, message: "cannot be combined with a voice message" }))
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

/** The parts of a message that can refer to files. */
interface MessageWithReferences {
  readonly embeds?: unknown
  readonly components?: unknown
}

/**
 * Returns the references to files that the message does not have. `names` are the names of all
 * files; `undefined` if some are unknown.
 *
 * Discord omits the image of such a reference without an error (discord-api-docs#2102,
 * bwmarrin/discordgo#810).
 */
export function findMissingFiles(
  { components, embeds }: MessageWithReferences,
  names: ReadonlyArray<string> | undefined,
): ReadonlyArray<Issue.Issue> {
  if (names === undefined || (embeds === undefined && components === undefined)) return []
  const knownNames = new Set(names.flatMap((name) => [name, toDiscordName(name)]))
  return [...findUrls(embeds, ["embeds"]), ...findUrls(components, ["components"])]
    .filter(({ url }) => scheme.test(url) && !knownNames.has(url.replace(scheme, "")))
    .map(({ path, url }) => ({
      path: Issue.formatPath(path),
      message: formatMissingFile(url, names),
    }))
}

/** Non-ASCII names may be kept or replaced (discord-api-docs#6945, #7890). */
function toDiscordName(name: string): string {
  return name.replaceAll(/\P{ASCII}/gu, "_").replace(/^[._]+/, "")
}

function formatMissingFile(reference: string, names: ReadonlyArray<string>): string {
  const files = names.length === 0 ? "it has none" : `they are ${names.join(", ")}`
  return `${reference} names no file of the message (${files}): pass the file in files, and use FileUpload.attachmentUrl(file) as its URL`
}
