/** Checks the path of a database file. */
import { accessSync, constants, statSync } from "node:fs"
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import { DiscordInvalidOption } from "../error/WebhookError.js"

/**
 * SQLite's own names for databases that are not files, and URLs: resolved as a path, each would name a file. One letter
 * before a colon is a drive of Windows.
 */
const notAPath = /^(?::memory:|file:|[a-z]{2,}:\/\/)/i

export function checkFilename(filename: string): Effect.Effect<void, DiscordInvalidOption> {
  if (filename !== "" && !notAPath.test(filename)) return Effect.void
  return new DiscordInvalidOption({
    option: "SqliteOutbox.layer: filename",
    expected: "the path of a file (for an outbox without a file, use Outbox.layerMemory)",
    actual: JSON.stringify(filename),
  })
}

/** Returns why a file cannot be opened or created; `undefined` if the file system does not show the reason. */
export function explainPath(path: string): string | undefined {
  const folder = dirname(path)
  if (!isDirectory(folder))
    return `${path} cannot be created, because there is no directory ${folder}`
  if (isDirectory(path)) return `${path} is a directory, and not a file`
  if (!isAccessible(folder, constants.W_OK)) {
    return `this process has no permission to write in the directory ${folder}, where SQLite also stores its journal`
  }
  const mode = constants.R_OK | constants.W_OK
  const isWritable =
    statSync(path, { throwIfNoEntry: false }) === undefined || isAccessible(path, mode)
  return isWritable ? undefined : `this process has no permission to read and write ${path}`
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

function isAccessible(path: string, mode: number): boolean {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}
