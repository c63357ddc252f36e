/** What is wrong with the files of a message before any of them is read. */
import { WebhookFileError } from "../../error/WebhookError.js"
import { presets } from "../UploadLimits.js"
import type { UploadLimits } from "../UploadLimits.js"
import { isSpent, labelOf } from "./file.js"
import type { FileUpload } from "./file.js"
import { readBefore } from "./read.js"
import { errorFields } from "../../ratelimit/errorFields.js"
import type { Route } from "../../ratelimit/Route.js"

/** The first thing that is wrong. `kept` counts the files that an edit leaves on the message. */
export function refusal(
  route: Route,
  files: ReadonlyArray<FileUpload>,
  kept: number,
  limits: UploadLimits,
): WebhookFileError | undefined {
  return brokenFile(route, files) ?? overLimit(route, files, kept, limits)
}

function brokenFile(route: Route, files: ReadonlyArray<FileUpload>): WebhookFileError | undefined {
  const names = new Set<string>()
  for (const file of files) {
    const { name, size } = file
    const place = { ...errorFields(route), file: labelOf(file) }
    if (!Number.isSafeInteger(size) || size < 0) {
      return new WebhookFileError({ ...place, reason: "invalidSize", size, delivered: "no" })
    }
    if (isSpent(file)) return readBefore(place)
    if (names.has(name)) {
      return new WebhookFileError({
        ...errorFields(route),
        file: name,
        reason: "duplicateName",
        delivered: "no",
      })
    }
    names.add(name)
  }
  return undefined
}

function overLimit(
  route: Route,
  files: ReadonlyArray<FileUpload>,
  kept: number,
  limits: UploadLimits,
): WebhookFileError | undefined {
  const over = firstOver(files, kept, limits)
  if (over === undefined) return undefined
  const { file, ...figures } = over
  const preset = Object.entries(presets).find(
    ([, other]) => firstOver(files, kept, other) === undefined,
  )
  return new WebhookFileError({
    ...errorFields(route),
    file: labelOf(file),
    ...figures,
    ...(preset === undefined ? {} : { preset: preset[0] }),
    delivered: "no",
  })
}

interface Over {
  readonly reason: "tooMany" | "tooLarge" | "totalTooLarge"
  readonly file: FileUpload
  readonly size: number
  readonly limit: number
}

function firstOver(
  files: ReadonlyArray<FileUpload>,
  kept: number,
  { maxFileBytes, maxFiles, maxTotalBytes }: UploadLimits,
): Over | undefined {
  let total = 0
  for (const [index, file] of files.entries()) {
    const { size } = file
    total += size
    if (kept + index >= maxFiles) {
      return { reason: "tooMany", file, size: kept + files.length, limit: maxFiles }
    }
    if (size > maxFileBytes) return { reason: "tooLarge", file, size, limit: maxFileBytes }
    if (total > maxTotalBytes) {
      return { reason: "totalTooLarge", file, size: total, limit: maxTotalBytes }
    }
  }
  return undefined
}
