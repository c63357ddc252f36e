import { isRecord } from "../form/check.js"
import { type ApiErrorCode, apiError } from "../http/apiError.js"
import type { FilePart, SimulatedResponse } from "../http/exchange.js"
import type { Attachment } from "../world.js"
import { keptAttachment, makeUpload, type Upload } from "./attachment.js"

type Fields = Readonly<Record<string, unknown>>

/** An attachment that stays, or one to be made. */
export type Entry =
  | { readonly _tag: "Kept"; readonly attachment: Attachment }
  | { readonly _tag: "New"; readonly upload: Upload }

/** What will hang on the message, in order, or the answer that refuses it. */
export type AttachmentList =
  | { readonly _tag: "List"; readonly entries: ReadonlyArray<Entry> }
  | { readonly _tag: "Refused"; readonly response: SimulatedResponse }

const maxAttachments = 10

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
